"""Whatever the host's own firewall drops: what the deploy needs is let through, or it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, page, ssh
from tests.lab.modes import in_mode

HOST = "plain3"

# What an administrator denies keeps its effect: the neighbour `maindb` asks in vain.
DENIED = "ip saddr 10.0.0.10 ip daddr 10.89.43.0/24 tcp dport 3000 drop"
INPUT = (
    "chain input { type filter hook input priority filter; policy drop; iif lo accept; "
    "ct state established,related accept; meta l4proto icmp accept; tcp dport 22 accept; };"
)
BARRIERS = {
    "last rule rejects": (
        "chain forward { type filter hook forward priority filter; policy accept; "
        f"{DENIED}; reject with icmpx admin-prohibited; }};"
    ),
    "last jump drops": (
        'chain last { log prefix "no "; drop; }; '
        "chain forward { type filter hook forward priority filter + 5; policy accept; "
        f"{DENIED}; jump last; }};"
    ),
    "policy drops": (
        "chain forward { type filter hook forward priority filter; policy drop; "
        f"{DENIED}; ct state invalid drop; }};"
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


@pytest.fixture(autouse=True)
def host_without_firewall() -> Iterator[None]:
    yield
    for table in ("inet mine", "netdev edge"):
        api.ssh(HOST, f"nft delete table {table}")


@pytest.mark.parametrize("mode", ["macvlan", "routed"])
@pytest.mark.parametrize("barrier", BARRIERS)
def test_chains_that_drop_let_through_and_keep_what_they_deny(
    site: Site, barrier: str, mode: str
) -> None:
    there = in_mode(site, mode, shim=False)
    ssh(HOST, f"nft 'table inet mine {{ {INPUT} {BARRIERS[barrier]} }}'")
    there.deploy_twice()
    address = {host.name: host.public_address for host in api.hosts()}[HOST]
    for port in PORTS:
        assert page("outside", address, port)["instance"]
        assert ssh(HOST, f"podman exec onetime-{port} nslookup onetime-{port} 10.89.43.1")
    with pytest.raises(AssertionError):
        page("maindb", "10.0.0.13", PORTS[0], patience=1)
    assert ssh(HOST, "nft list table inet mine").count('comment "onetime ') == 2


def test_port_that_is_closed_to_others_alone_fails_the_deploy(site: Site) -> None:
    """The host itself gets an answer; only a client beyond it sees that nobody else does."""
    there = in_mode(site, "macvlan", shim=False)
    assert there.deploy().code == 0
    ssh(HOST, f"nft 'table inet mine {{ {CLOSED} }}'")
    run = there.deploy()
    assert run.code != 0
    assert f"instance {PORTS[0]} on http://10.0.0.13:{PORTS[0]}" in run.output
    assert "from beyond the host: " in run.output
    assert "a chain of the host's firewall drops or rejects" in run.output


CLOSED = (
    "chain forward { type filter hook forward priority filter; policy accept; "
    "ct status dnat drop; };"
)


def test_what_no_question_sees_is_said(site: Site) -> None:
    there = in_mode(site, "macvlan", shim=False)
    ssh(
        HOST,
        "nft 'table netdev edge { chain incoming { "
        'type filter hook ingress device "eth0" priority 0; tcp dport 7043 drop; }; }\'',
    )
    run = there.deploy()
    assert run.code == 0, run.output
    assert "passes netdev edge incoming before" in run.output


def test_host_mode_is_let_in(site: Site) -> None:
    there = in_mode(site, "host")
    ssh(HOST, f"nft 'table inet mine {{ {INPUT} }}'")
    there.deploy_twice()
    check_paths(there.hosts)


def test_teardown_leaves_no_rule_behind(site: Site) -> None:
    """Also where the chain drops no more, so that nothing looks for a rule there."""
    there = in_mode(site, "routed")
    ssh(HOST, f"nft 'table inet mine {{ {INPUT} {BARRIERS['policy drops']} }}'")
    assert there.deploy().code == 0
    ssh(HOST, "systemctl stop onetime-firewall")
    ssh(HOST, "nft 'chain inet mine forward { policy accept; }'")
    ssh(HOST, "nft 'chain inet mine input { policy accept; }'")
    assert there.pyinfra("teardown.py", "-y").code == 0
    assert "onetime" not in ssh(HOST, "nft list ruleset")
