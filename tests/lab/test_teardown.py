"""Teardown leaves a host as it was found, in every mode."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import check_paths, ssh
from tests.lab.modes import check_teardown, in_mode

HOST = "plain1"


@pytest.mark.parametrize("mode", ["macvlan", "routed", "direct", "wireguard", "host"])
def test_teardown_leaves_the_host_as_it_was_found(fresh: Fresh, mode: str) -> None:
    site = in_mode(fresh(HOST), mode, client=8, secrets={"KEY": "env:HOME"})
    check_teardown(site)
    # And it can be put there again.
    site.deploy_twice()


def test_teardown_asks_first(fresh: Fresh) -> None:
    site = fresh(HOST)
    assert site.deploy().code == 0
    site.pyinfra("teardown.py")
    check_paths(site.hosts)


def test_teardown_leaves_the_rest_of_the_host_alone(fresh: Fresh) -> None:
    site = fresh(HOST)
    assert site.deploy().code == 0
    ssh(HOST, "podman network create mine; nft add table ip mine")
    ssh(HOST, "echo x >/etc/containers/systemd/mine.volume; echo x | podman secret create mine -")
    assert site.pyinfra("teardown.py", "-y").code == 0
    assert "mine" in ssh(HOST, "podman network ls -q")
    assert "table ip mine" in ssh(HOST, "nft list tables")
    assert "mine.volume" in ssh(HOST, "ls /etc/containers/systemd")
    assert "mine" in ssh(HOST, "podman secret ls")
