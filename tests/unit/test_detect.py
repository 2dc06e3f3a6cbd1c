"""The private network of every kind of host: found as it is, or refused with what was seen."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network
from typing import Any

import pytest

from plan.network.detect import PrivateNetwork, detect
from plan.problems import PlanError, Problem
from tests.unit.observed import KINDS, address, network, settings

# kind: interface, own address, subnet, gateway, other networks over the card
FOUND: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    "plain": ("eth1", "10.0.0.15", "10.0.0.0/24", "10.0.0.1", {}),
    "metric": ("eth1", "10.0.0.32", "10.0.0.0/24", "10.0.0.1", {}),
    "docker": ("eth1", "10.0.0.52", "10.0.0.0/24", "10.0.0.1", {}),
    "twocards": ("eth2", "10.0.0.62", "10.0.0.0/24", "10.0.0.1", {}),
    "far": ("eth1", "10.0.0.82", "10.0.0.0/24", "10.0.0.1", {"10.0.5.0/24": "10.0.0.1"}),
    "laptop": ("wlan0", "192.168.1.23", "192.168.1.0/24", "192.168.1.1", {}),
    "edge172": ("eth2", "172.31.0.5", "172.31.0.0/16", "172.31.0.1", {}),
    "onlyprivate": ("eth0", "10.0.0.11", "10.0.0.0/24", "10.0.0.1", {}),
    "twodefaults": (
        "eth1",
        "10.0.0.11",
        "10.0.0.0/24",
        "10.0.0.254",
        {"10.5.0.0/16": "10.0.0.1"},
    ),
    "vip": ("eth1", "10.0.0.5", "10.0.0.0/24", "10.0.0.1", {"10.0.0.0/8": "10.0.0.1"}),
    "anycast": ("eth1", "10.64.0.11", "10.64.0.0/24", "10.64.0.1", {"10.0.0.0/8": "10.64.0.1"}),
    "rejects": ("eth1", "10.0.0.11", "10.0.0.0/24", "10.0.0.1", {"10.66.0.0/16": "10.0.0.1"}),
    "bridged": ("br0", "10.0.0.11", "10.0.0.0/24", "10.0.0.1", {}),
    "nested": ("eth2", "10.0.5.11", "10.0.5.0/24", "10.0.5.1", {}),
    "twogateways": ("eth2", "10.2.0.11", "10.2.0.0/24", "10.2.0.1", {"10.0.5.0/24": "10.2.0.1"}),
    "recipe": ("eth1", "10.0.0.11", "10.0.0.0/24", "10.0.0.1", {}),
}
# Kinds that need a word or two before they are found: see test_field_hosts.py.
NAMED = {
    *("cbr0", "corporate", "digitalocean", "dockershim", "hetznerwg", "openstack", "ovpndef1"),
    *("wghome", "wifi"),
}
# kind: the key, what was seen, what is advised
REFUSED = {
    "cloud": ("network_subnet", "eth1 has the address 10.0.0.42/32", "network_mode routed"),
    "twice32": ("network_subnet", "enp7s0 has the address 10.0.0.2/32", "network_mode routed"),
    "lonely32": ("network_interface", "10.128.0.2 is in the subnet of no card", "network_subnet"),
    "nocard": ("network_interface", "203.0.113.72 on eth0", "network_mode direct or wireguard"),
    "cgnat": ("network_interface", "100.64.0.5, 203.0.113.11 on eth0, eth1", "network_mode direct"),
    "linklocal": ("network_interface", "169.254.10.5, 203.0.113.11 on", "network_mode direct"),
    "carddown": ("network_interface", "10.0.0.11 is in the subnet of no card; the host has eth0, "
                 "eth1 (down)", "Bring the private card up"),
    "samelan": ("network_subnet", "but the host routes 10.0.0.0/24 over eth2", "network_interface"),
}  # fmt: skip
DATABASES = {"far": "10.0.5.10", "nested": "10.0.5.10", "twogateways": "10.0.5.10", "nocard": None}


def host(kind: str) -> Any:
    return network(kind, DATABASES.get(kind.removesuffix("-deployed"), "10.0.0.10"))


def refusal(kind: str, **data: Any) -> Problem:
    with pytest.raises(PlanError) as caught:
        detect(kind, settings(kind, **data), host(kind))
    (problem,) = caught.value.problems
    return problem


def test_every_kind_is_expected() -> None:
    assert {kind.removesuffix("-deployed") for kind in KINDS} == {
        *FOUND,
        *REFUSED,
        *NAMED,
    }


@pytest.mark.parametrize("kind", [k for k in KINDS if k.removesuffix("-deployed") in FOUND])
def test_found(kind: str) -> None:
    """The same before and after a deploy: the fixtures `-deployed` have bridge, veths and shim."""
    interface, own, subnet, gateway, routes = FOUND[kind.removesuffix("-deployed")]
    assert detect(kind, settings(), host(kind)) == PrivateNetwork(
        interface=interface,
        address=address(own),
        subnet=IPv4Network(subnet),
        gateway=address(gateway),
        routes=tuple((IPv4Network(to), address(by)) for to, by in routes.items()),
    )


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str) -> None:
    problem = refusal(kind)
    key, seen, advice = REFUSED[kind]
    assert (problem.host, problem.key) == (kind, key)
    assert seen in problem.observation
    assert advice in problem.advice


def test_database_decides_between_cards() -> None:
    first = detect("h", settings(db_address="10.0.1.7"), host("twocards"))
    assert (first.interface, first.alternatives) == ("eth1", ())
    second = detect("h", settings(db_address="10.0.0.7"), host("twocards"))
    assert (second.interface, second.alternatives) == ("eth2", ())


@pytest.mark.parametrize("db_address", [None, "192.0.2.1", "host-gateway"])
def test_first_card_is_taken_and_others_named_if_all_fit(
    db_address: str | None,
) -> None:
    found = detect("h", settings(db_address=db_address), network("twocards", database=None))
    assert (found.interface, found.alternatives) == ("eth1", ("eth2",))


def test_named_interface_wins() -> None:
    found = detect("h", settings(network_interface="eth1"), host("twocards"))
    assert (found.interface, str(found.subnet), found.alternatives) == ("eth1", "10.0.1.0/24", ())


def test_override_stands_by_itself() -> None:
    wide = detect("h", settings(network_subnet="10.0.0.0/20"), host("far"))
    assert (wide.interface, str(wide.subnet), str(wide.gateway)) == (
        "eth1",
        "10.0.0.0/20",
        "10.0.0.1",
    )
    # The way to the database is the host's own, though the subnet is now said to hold it.
    assert wide.routes == ((IPv4Network("10.0.5.0/24"), address("10.0.0.1")),)
    gateway = detect("h", settings(network_gateway="10.0.0.254"), host("plain"))
    assert (gateway.interface, str(gateway.gateway)) == ("eth1", "10.0.0.254")


def test_cloud_host_works_with_overrides() -> None:
    found = detect("h", settings(network_subnet="10.0.0.0/24"), host("cloud"))
    assert (found.interface, str(found.subnet), found.routes) == ("eth1", "10.0.0.0/24", ())
    both = settings(network_interface="eth0", network_subnet="10.128.0.0/20")
    lonely = detect("h", both, host("lonely32"))
    assert (lonely.interface, str(lonely.gateway)) == ("eth0", "10.128.0.1")


def test_mode_without_neighbours_takes_a_cloud_host_as_it_is() -> None:
    found = detect("h", settings(network_mode="routed"), host("cloud"))
    assert (found.interface, str(found.address), str(found.subnet)) == (
        "eth1",
        "10.0.0.42",
        "10.0.0.0/24",
    )


@pytest.mark.parametrize(
    ("kind", "data", "key", "seen"),
    [
        ("plain", {"network_interface": "eth9"}, "network_interface", "there is no eth9, only lo"),
        ("carddown", {"network_interface": "eth1"}, "network_interface", "eth1 is down"),
        ("plain", {"network_interface": "eth0"}, "network_interface", "no card has an address in"),
        ("plain", {"network_subnet": "10.9.0.0/24"}, "network_subnet", "holds no private address"),
        ("plain", {"network_gateway": "10.9.0.1"}, "network_gateway", "10.9.0.1 is not in 10.0.0"),
        ("twocards", {"network_subnet": "10.0.0.0/23"}, "network_subnet", "10.0.1.0/24 over eth1"),
        ("plain", {"network_subnet": "10.0.0.15/32"}, "network_subnet", "no room for containers"),
    ],
)
def test_overrides_that_contradict_the_host(
    kind: str, data: dict[str, str], key: str, seen: str
) -> None:
    problem = refusal(kind, **data)
    assert problem.key == key
    assert seen in problem.observation


def test_environment_wins_over_inventory_over_detection() -> None:
    data = {"network_interface": "eth9", "network_gateway": "10.0.1.9"}
    environ = {"NETWORK_INTERFACE": "eth1", "NETWORK_SUBNET": "", "UNRELATED": "x"}
    chosen = settings("h", environ, **data)
    found = detect("h", chosen, host("twocards"))
    assert (found.interface, str(found.subnet)) == ("eth1", "10.0.1.0/24")
    assert found.gateway == address("10.0.1.9")


def test_problem_with_an_environment_variable_names_it() -> None:
    environ = {"NETWORK_INTERFACE": "eth9"}
    keys = {"network_interface": "NETWORK_INTERFACE"}
    with pytest.raises(PlanError, match="h: NETWORK_INTERFACE: there is no eth9"):
        detect("h", settings("h", environ), host("plain"), keys=keys)


def test_shim_outside_the_range_is_not_the_hosts_own_address() -> None:
    before = host("plain")
    after = dataclasses.replace(before, addresses=(address("10.0.0.3"), *before.addresses))
    chosen = settings(shim=True, shim_address="10.0.0.3")
    assert detect("h", chosen, after) == detect("h", chosen, before)
