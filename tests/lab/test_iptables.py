"""Firewalls that speak iptables keep working beside the deploy, and save and restore its rules."""

from __future__ import annotations

import time

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, ssh
from tests.lab.modes import in_mode
from tests.lab.reloads import answers_again

IPTABLES, UFW = "iptables1", "ufw1"
LANE = "iptables"

# What Docker, cloud images and hand-written rules look like.
RULES = """
iptables -P FORWARD DROP
iptables -A FORWARD -s 198.51.100.66 -j DROP
iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
iptables -A FORWARD -j REJECT --reject-with icmp-host-prohibited
iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -p icmp -j ACCEPT
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -j REJECT --reject-with icmp-host-prohibited
"""


@pytest.fixture(scope="module")
def iptables(fresh: Fresh) -> Site:
    site = fresh(IPTABLES)
    ssh(IPTABLES, RULES)
    return site


@pytest.mark.parametrize("mode", ["macvlan", "routed"])
def test_iptables_reads_and_saves_what_the_deploy_adds(iptables: Site, mode: str) -> None:
    there = in_mode(iptables, mode, shim=False)
    there.deploy_twice()
    check_paths(there.hosts)
    for chain in ("FORWARD", "INPUT"):
        rules = ssh(IPTABLES, f"iptables -S {chain}").splitlines()
        # After every denial with a condition, and before the last one, which has none.
        assert "--mark 0x1000000/0x1000000" in rules[-2]
        assert "REJECT" in rules[-1]
    ssh(IPTABLES, "iptables -L -n -v >/dev/null")
    saved = ssh(IPTABLES, "iptables-save -t filter")
    assert saved.count("--mark 0x1000000/0x1000000") == 2
    assert "-A FORWARD -s 198.51.100.66/32 -j DROP" in saved


def test_what_netfilter_persistent_saves_comes_back_once(iptables: Site) -> None:
    there = in_mode(iptables, "macvlan", shim=False)
    assert there.deploy().code == 0
    ssh(IPTABLES, "netfilter-persistent save; netfilter-persistent reload")
    answers_again(IPTABLES, time.monotonic(), 15)
    assert ssh(IPTABLES, "iptables -S FORWARD").count("0x1000000/0x1000000") == 1
    again = there.deploy()
    assert (again.code, again.changed) == (0, 0), again.output
    ssh(IPTABLES, "systemctl stop onetime-firewall; netfilter-persistent save")
    assert there.pyinfra("teardown.py", "-y").code == 0
    assert "0x1000000" not in ssh(IPTABLES, "iptables-save")


@pytest.mark.parametrize("shell", ["/usr/bin/fish", "/bin/tcsh", "/bin/rbash"])
def test_login_shell_may_be_any(iptables: Site, shell: str) -> None:
    user = "night-shift"
    ssh(
        IPTABLES,
        f"id {user} >/dev/null 2>&1 || useradd -m {user}; usermod -s {shell} {user}; "
        f"echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}; "
        f"mkdir -p /home/{user}/.ssh; cp /root/.ssh/authorized_keys /home/{user}/.ssh/; "
        f"chown -R {user} /home/{user}",
    )
    there = in_mode(iptables, "routed", ssh_user=user, _sudo=True)
    there.deploy_twice()
    check_paths(there.hosts)
    assert there.pyinfra("rollback.py", "--dry").code != 0
    assert there.pyinfra("teardown.py", "-y").code == 0


def test_ufw_keeps_its_rules_and_containers_their_names(fresh: Fresh) -> None:
    site = fresh(UFW)
    ssh(UFW, "ufw allow 22/tcp; ufw route deny from 198.51.100.66; ufw --force enable")
    there = in_mode(site, "macvlan", shim=False)
    there.deploy_twice()
    check_paths(there.hosts)
    assert ssh(UFW, "podman exec onetime-7043 nslookup onetime-7044 10.89.43.1")
    assert "198.51.100.66" in ssh(UFW, "ufw status")
    ssh(UFW, "ufw reload")
    answers_again(UFW, time.monotonic(), 15)
    assert ssh(UFW, "ufw status | head -n 1") == "Status: active"
    assert there.pyinfra("teardown.py", "-y").code == 0
    assert "0x1000000" not in ssh(UFW, "iptables-save")
