"""An operator without a root login deploys with sudo."""

from __future__ import annotations

import dataclasses

from tests.lab.conftest import Fresh
from tests.lab.harness import check_paths, ssh

HOST = "plain4"


def test_user_with_sudo_deploys_and_one_without_is_refused(fresh: Fresh) -> None:
    site = fresh(HOST)
    ssh(
        HOST,
        "useradd --create-home deployer && install -d -o deployer /home/deployer/.ssh && "
        "install -o deployer -m 600 /root/.ssh/authorized_keys /home/deployer/.ssh/ && "
        "echo 'deployer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deployer",
    )
    without = dataclasses.replace(site, everywhere={"ssh_user": "deployer"})
    refused = without.deploy()
    assert refused.code != 0
    assert "plain4: ssh_user: the deploy does not run as root there" in refused.output

    key = {"ONETIME_KEY": "env:HOME"}
    user = {"ssh_user": "deployer", "_sudo": True, "secrets": key, "shim": True}
    dataclasses.replace(site, everywhere=user).deploy_twice()
    check_paths(site.hosts)
    assert ssh(HOST, "stat -Lc '%U %a' /etc/onetime/current/environment") == "root 600"
