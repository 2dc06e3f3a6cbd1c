"""What single modes promise beyond the common paths."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, in_container, ssh

CLIENT = 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379'
LANE = "plain1"
DROPPING = """
table inet guard {
  chain forward { type filter hook forward priority 0; policy drop; }
  chain input { type filter hook input priority 0; policy accept; }
}
"""


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh("plain1")


@pytest.fixture
def guarded(site: Site) -> Iterator[None]:
    """Run a host firewall that drops whatever is forwarded."""
    assert "plain1" in site.hosts
    ssh("plain1", f"nft '{DROPPING}'")
    yield
    ssh("plain1", "nft delete table inet guard")


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("mode", ["routed", "macvlan", "direct"])
def test_firewall_that_drops_forwarded_packets_lets_ours_pass(site: Site, mode: str) -> None:
    dataclasses.replace(site, everywhere={"network_mode": mode}).deploy_twice()
    check_paths(site.hosts)


@pytest.mark.usefixtures("guarded")
def test_our_rules_leave_that_firewall_with_the_mode(site: Site) -> None:
    assert dataclasses.replace(site, everywhere={"network_mode": "routed"}).deploy().code == 0
    assert "onetime" in ssh("plain1", "nft list table inet guard")
    dataclasses.replace(site, everywhere={"network_mode": "host"}).deploy_twice()
    assert "onetime" not in ssh("plain1", "nft list table inet guard")


@pytest.fixture
def routed_to(site: Site) -> Iterator[None]:
    """Give the database's machine a route to the bridge, by way of the host."""
    assert "plain1" in site.hosts
    route = ["10.89.43.0/24", "via", "10.0.0.11"]
    assert api.run_in("maindb", ["ip", "route", "replace", *route]).returncode == 0
    yield
    assert api.run_in("maindb", ["ip", "route", "del", *route]).returncode == 0


@pytest.mark.usefixtures("routed_to")
def test_database_sees_the_host_with_nat_else_the_container(site: Site) -> None:
    dataclasses.replace(site, everywhere={"network_mode": "routed"}).deploy_twice()
    for port in PORTS:
        assert " addr=10.0.0.11:" in in_container("plain1", port, CLIENT)
    without = {"network_mode": "routed", "routed_nat": False}
    dataclasses.replace(site, everywhere=without).deploy_twice()
    for port in PORTS:
        assert " addr=10.89.43." in in_container("plain1", port, CLIENT)
    check_paths(site.hosts)


def test_cloud_host_with_a_single_address_routes(fresh: Fresh) -> None:
    site = dataclasses.replace(fresh("cloud1"), everywhere={"network_mode": "routed"})
    site.deploy_twice()
    for port in PORTS:
        assert " addr=10.0.0.41:" in in_container("cloud1", port, CLIENT)
    check_paths(site.hosts)


@pytest.fixture(scope="module")
def lonely(fresh: Fresh) -> Site:
    """A host without a private card, with a database of its own."""
    site = fresh("nocard1")
    ssh(
        "nocard1",
        "systemd-run --unit database bash -c "
        "'exec -a redis-server redis-check-rdb --bind 0.0.0.0 --protected-mode no --save \"\"'",
    )
    return site


def test_host_gateway_is_the_database_on_the_host_itself(lonely: Site) -> None:
    here = {"network_mode": "direct", "db_address": "host-gateway"}
    dataclasses.replace(lonely, everywhere=here).deploy_twice()
    for port in PORTS:
        assert "addr=10.89.43." in in_container("nocard1", port, CLIENT)


@pytest.mark.parametrize(
    ("everywhere", "key", "words"),
    [
        ({"network_mode": "routed", "db_address": "10.0.0.10"}, "network_interface", "direct"),
        ({"network_mode": "direct"}, "db_host", "cannot resolve maindb"),
        (
            {"network_mode": "direct", "db_address": "host-gateway", "db_port": 6400},
            "db_address",
            "nothing on it listens on port 6400",
        ),
        (
            {"network_mode": "host", "db_address": "host-gateway"},
            "db_address",
            "no meaning on the host's own network",
        ),
        (
            {"network_mode": "host", "db_address": "10.0.0.10", "instances": [7043, 7043]},
            "instances",
            "once",
        ),
    ],
)
def test_what_a_mode_cannot_do_is_refused(
    lonely: Site, everywhere: dict[str, object], key: str, words: str
) -> None:
    run = dataclasses.replace(lonely, everywhere=everywhere).deploy()
    assert run.code != 0
    (problem,) = [line for line in run.output.splitlines() if line.startswith("  - ")]
    assert problem.startswith(f"  - nocard1: {key}: ")
    assert words in problem


def test_host_gateway_is_refused_for_a_database_elsewhere(site: Site) -> None:
    elsewhere = {"network_mode": "direct", "db_address": "host-gateway"}
    run = dataclasses.replace(site, everywhere=elsewhere).deploy()
    assert run.code != 0
    assert "plain1: db_address: host-gateway is this host, but maindb is 10.0.0.10" in run.output
