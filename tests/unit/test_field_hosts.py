"""Hosts that operators have: found as they are, planned with the words that they were given."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from facts.network import HostNetwork
from facts.podman import PodmanNetwork
from facts.proc import Route
from plan.compare.changes import compare
from plan.network.detect import PrivateNetwork, detect
from plan.observed import Observed
from tests.unit.observed import network, settings
from tests.unit.planned import altered, as_planned, fresh, observed, plan_one, refusals


def find(kind: str, database: str | None = None, **data: Any) -> PrivateNetwork:
    return detect("h", settings(**data), network(kind, database))


def on(host: HostNetwork, **data: Any) -> Observed:
    return Observed(settings(**data), host, fresh(), {})


@pytest.mark.parametrize(
    ("kind", "database", "data", "interface", "subnet"),
    [
        ("openstack", None, {}, "br-mgmt", "172.29.236.0/22"),
        ("ovpndef1", None, {}, "eth1", "10.0.0.0/24"),
        ("corporate", None, {}, "eth1", "10.1.2.0/24"),
        ("wifi", None, {}, "eth0", "192.168.1.0/24"),
        ("wifi", "192.168.1.2", {}, "eth0", "192.168.1.0/24"),
        ("wifi", "192.168.1.2", {"network_interface": "eth0"}, "eth0", "192.168.1.0/24"),
        ("wifi", "192.168.1.2", {"network_interface": "wlan0"}, "wlan0", "192.168.1.0/24"),
        ("samelan", None, {"network_interface": "eth2"}, "eth2", "10.0.0.0/24"),
        ("dockershim", "192.168.1.2", {"network_interface": "eth0"}, "eth0", "192.168.1.0/24"),
        ("hetznerwg", None, {"network_mode": "routed"}, "enp7s0", "10.0.0.0/16"),
        (
            "hetznerwg",
            None,
            {
                "network_mode": "routed",
                "network_interface": "enp7s0",
                "network_subnet": "10.0.0.0/16",
            },
            "enp7s0",
            "10.0.0.0/16",
        ),
        ("lonely32", None, {"network_mode": "routed"}, "eth0", "10.128.0.2/32"),
        (
            "lonely32",
            None,
            {"network_mode": "direct", "network_interface": "eth0"},
            "eth0",
            "10.128.0.2/32",
        ),
        ("digitalocean", None, {"container_range": "10.116.0.64/27"}, "eth1", "10.116.0.0/20"),
        ("digitalocean", None, {"container_range": "10.17.9.0/27"}, "eth0", "10.17.0.0/16"),
        ("digitalocean", "10.116.0.9", {}, "eth1", "10.116.0.0/20"),
        ("cbr0", None, {"container_range": "10.0.0.64/27"}, "eth0", "10.0.0.0/24"),
        (
            "cgnat",
            None,
            {"network_interface": "eth1", "network_subnet": "100.64.0.0/10"},
            "eth1",
            "100.64.0.0/10",
        ),
        ("cgnat", None, {"network_subnet": "203.0.113.0/24"}, "eth0", "203.0.113.0/24"),
    ],
)
def test_card_is_found(
    kind: str, database: str | None, data: dict[str, Any], interface: str, subnet: str
) -> None:
    found = find(kind, database, **data)
    assert (found.interface, str(found.subnet)) == (interface, subnet)


@pytest.mark.parametrize(
    ("kind", "data", "key", "seen"),
    [
        ("wghome", {}, "network_interface", "no card has an address in 10/8"),
        ("wghome", {"network_interface": "home"}, "network_interface", "home is a tunnel"),
        (
            "dockershim",
            {"network_interface": "eth0", "container_range": "192.168.1.192/28"},
            "network_subnet",
            "but the host routes 192.168.1.192/27 over mynet-shim",
        ),
        (
            "dockershim",
            {"network_interface": "eth0", "db_address": "192.168.1.200"},
            "network_subnet",
            "but the host routes 192.168.1.192/27 over mynet-shim",
        ),
    ],
)
def test_card_that_cannot_serve_is_refused(
    kind: str, data: dict[str, Any], key: str, seen: str
) -> None:
    given = {"container_range": None, "db_address": "192.0.2.9", **data}
    (problem,) = [
        problem
        for problem in refusals({"h": on(network(kind), **given)})
        if problem.key == key and seen in problem.observation
    ]
    assert problem.advice


@pytest.mark.parametrize(
    "routes",
    [
        ("0.0.0.0/1", "128.0.0.0/1"),
        ("0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"),
        ("0.0.0.0/5", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6"),
    ],
)
def test_parts_of_a_default_route_are_one(routes: tuple[str, ...]) -> None:
    host = network("plain")
    tunnel = tuple(Route("tun0", IPv4Network(one), IPv4Address("10.8.0.5"), 0) for one in routes)
    host = dataclasses.replace(host, routes=(*host.routes, *tunnel))
    assert refusals({"h": on(host, container_range="10.0.0.128/27")}) == []
    card = tuple(Route("eth1", IPv4Network(one), IPv4Address("10.0.0.1"), 0) for one in routes[:2])
    plan = plan_one(on(dataclasses.replace(host, routes=(*card, *host.routes)), **RANGE))
    assert "--route" not in plan.file("quadlet/onetime.network").content


RANGE = {"container_range": "10.0.0.128/27"}


@pytest.mark.parametrize(
    ("destination", "changes"),
    [("10.77.0.0/16", False), ("10.0.0.0/8", False), ("10.5.0.0/16", True)],
)
def test_route_that_no_service_needs_changes_nothing(destination: str, changes: bool) -> None:
    """The database is 10.5.0.10, and the way to it was the default route's."""
    before = observed(db_address="10.5.0.10", publish_subnet="172.30.0.0/24")
    host = as_planned(plan_one(before))
    appeared = Route("eth1", IPv4Network(destination), IPv4Address("10.0.0.254"), 20)
    wide = Route("eth1", IPv4Network("10.4.0.0/15"), IPv4Address("10.0.0.1"), 0)
    routes = (wide, *before.network.routes)
    first = plan_one(dataclasses.replace(before, network=with_routes(before.network, routes)))
    host = as_planned(first)
    after = plan_one(
        dataclasses.replace(before, network=with_routes(before.network, (*routes, appeared)))
    )
    assert bool(compare(after, host).networks) == changes
    assert "# The way to maindb.\nPodmanArgs=--route=" in (
        after.file("quadlet/onetime.network").content
    )


def with_routes(host: HostNetwork, routes: tuple[Route, ...]) -> HostNetwork:
    return dataclasses.replace(host, routes=routes)


def test_range_may_hold_the_first_address_of_the_subnet() -> None:
    """Podman takes a gateway's address from the range, and nobody uses this one."""
    host = network("plain")
    router = Route("eth1", IPv4Network("10.9.0.0/16"), IPv4Address("10.0.0.254"), 0)
    plan = plan_one(on(with_routes(host, (*host.routes, router)), container_range="10.0.0.0/29"))
    assert "Gateway=10.0.0.254\n" in plan.file("quadlet/onetime.network").content


def test_bridge_finds_room_where_everything_private_is_routed() -> None:
    host = network("corporate", "10.1.2.9")
    data = {"container_range": "10.1.2.128/27"}
    (problem,) = refusals({"h": on(host, **data)})
    assert problem.key == "publish_subnet"
    suggested = problem.advice.split("such as ")[1].split(";")[0]
    assert refusals({"h": on(host, publish_subnet=suggested, **data)}) == []
    # Nobody uses this part, says who names it; one with neighbours is another matter.
    assert refusals({"h": on(host, publish_subnet="10.200.7.0/24", **data)}) == []
    for used in ("10.1.2.0/25", "10.0.0.0/8", "192.168.0.0/16"):
        (problem,) = refusals({"h": on(host, publish_subnet=used, **data)})
        assert problem.key == "publish_subnet"


def test_bridge_that_stands_is_not_refused_for_a_later_route() -> None:
    before = observed()
    bridge = PodmanNetwork("onetime-publish", (IPv4Network("10.89.43.0/24"),), "4711")
    networks = {**before.installed.podman.networks, "onetime-publish": bridge}
    appeared = Route("eth1", IPv4Network("10.0.0.0/8"), IPv4Address("10.0.0.254"), 20)
    there = dataclasses.replace(
        before,
        network=with_routes(before.network, (*before.network.routes, appeared)),
        installed=altered(before.installed, networks=networks),
    )
    assert refusals({"h": there}) == []


def test_lonely_address_needs_a_default_route() -> None:
    host = network("lonely32", None)
    routes = tuple(route for route in host.routes if not route.is_default)
    (problem,) = [
        problem
        for problem in refusals(
            {"h": on(with_routes(host, routes), network_mode="routed", db_address="10.9.9.9")}
        )
        if problem.key == "network_interface"
    ]
    assert "10.128.0.2 is in the subnet of no card" in problem.observation
