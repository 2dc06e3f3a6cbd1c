"""A host that does not fit is refused in one line, before anything is touched."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from facts.installed import InstalledState
from facts.podman import Container, PodmanNetwork
from facts.proc import Listener, Route
from plan.observed import Observed
from tests.unit.observed import address
from tests.unit.planned import altered, fresh, lines, observed, plan_one, refusals


def changed(**fields: Any) -> InstalledState:
    return altered(fresh(), **fields)


STRANGER = Container("onetime-7043", True, None)
OTHERS = PodmanNetwork("onetime", (), None)


@pytest.mark.parametrize(
    ("installed", "data", "expected"),
    [
        (changed(version=(5, 2, 9)), {}, "podman: 5.2.9 is there, and 5.3 is needed"),
        (changed(version=None), {}, "podman: no Podman is there, and 5.3 is needed"),
        (changed(foreign=("/etc/x/onetime.network",)), {}, "unit files: this deploy did not make"),
        (changed(containers={"onetime-7043": STRANGER}), {}, "podman: this deploy did not make"),
        (changed(networks={"onetime": OTHERS}), {}, "podman: this deploy did not make"),
        (
            changed(controllers=frozenset({"pids"})),
            {"memory": "1g"},
            "memory: the kernel has no memory controller for containers there, only: pids",
        ),
        (
            changed(controllers=frozenset()),
            {"cpus": 1.5},
            "cpus: the kernel has no cpu controller for containers there, only: none",
        ),
        (
            changed(kernel_links=frozenset()),
            {},
            "network_mode: the kernel cannot make macvlan links",
        ),
        (changed(images={}), {"image": "localhost/x:1"}, "image: the host does not have"),
        (fresh(), {"publish_address": "10.0.0.77"}, "publish_address: the host has no 10.0.0.77"),
        (fresh(), {"instances": [7043, 22022]}, "instances: something else listens on port 22022"),
        (
            fresh(),
            {
                "image": "ghcr.io/onetimesecret/onetimesecret:current",
                "environment": {"SECRET": "x", "REDIS_URL": "redis://maindb:6379/0"},
            },
            "image: the host does not have ghcr.io/onetimesecret/onetimesecret:current, and no reg",
        ),
        (fresh(), {"publish_subnet": "10.9.9.0/30"}, "publish_subnet: 10.9.9.0/30 has room for 1"),
        (fresh(), {"publish_subnet": "10.0.0.0/16"}, "publish_subnet: 10.0.0.0/16 overlaps with"),
        (fresh(), {"publish_subnet": "10.88.1.0/24"}, "publish_subnet: 10.88.1.0/24 overlaps wit"),
        (fresh(), {"container_range": None}, "container_range: none was given"),
        (fresh(), {"container_range": "10.0.9.0/27"}, "container_range: 10.0.9.0/27 is not inside"),
        (fresh(), {"container_range": "10.0.0.0/8"}, "container_range: 10.0.0.0/8 is not inside"),
        (fresh(), {"container_range": "10.0.0.0/29"}, "container_range: 10.0.0.0/29 holds the gat"),
        (fresh(), {"container_range": "10.0.0.8/30"}, "container_range: 10.0.0.8/30 holds the dat"),
        (fresh(), {"container_range": "10.0.0.40/31"}, "container_range: 10.0.0.40/31 has room fo"),
        (fresh(), {"shim": True, "shim_address": "10.0.0.255"}, "shim_address: 10.0.0.255 is no"),
        (fresh(), {"shim": True, "shim_address": "10.0.0.1"}, "shim_address: 10.0.0.1 is the gate"),
        (fresh(), {"db_address": "host-gateway"}, "db_address: host-gateway means a database on"),
        (fresh(), {"db_address": "10.0.0.15"}, "db_address: maindb is 10.0.0.15, on the host itse"),
        (fresh(), {"db_address": "127.0.0.1"}, "db_address: maindb is 127.0.0.1, on the host its"),
    ],
)
def test_host_that_does_not_fit(
    installed: InstalledState, data: dict[str, Any], expected: str
) -> None:
    seen = observed(**data)
    extra = {Listener(address("127.0.0.1"), 22022)}
    network = dataclasses.replace(seen.network, listeners=seen.network.listeners | extra)
    seen = dataclasses.replace(seen, installed=installed, network=network)
    (line,) = lines({"a": seen})
    assert line.startswith(f"a: {expected}")
    assert line.count("a: ") == 1


def test_root_missing_is_all_that_is_said() -> None:
    bare = changed(root=False, version=None, images={}, kernel_links=frozenset())
    (line,) = lines({"a": dataclasses.replace(observed(), installed=bare)})
    assert line.startswith("a: ssh_user: the deploy does not run as root there. ")


def test_database_on_the_host_itself_is_reached_over_the_shim() -> None:
    assert lines({"a": observed(db_address="10.0.0.15", shim=True)}) == []


def test_route_around_the_subnet_reaches_the_containers() -> None:
    seen = observed(db_address="10.5.0.9", publish_subnet="172.30.0.0/24")
    block = Route("eth1", IPv4Network("10.0.0.0/8"), address("10.0.0.1"), 0)
    network = dataclasses.replace(seen.network, routes=(*seen.network.routes, block))
    plan = plan_one(dataclasses.replace(seen, network=network))
    assert "--route=10.0.0.0/8,10.0.0.1" in plan.file("quadlet/onetime.network").content


@pytest.mark.parametrize("state", ["active", "activating", "deactivating"])
def test_listener_of_an_instance_on_its_way_is_its_own(state: str) -> None:
    """It was read at another moment than the containers were, and the deploy may be what mends."""
    seen = observed(instances=[22022])
    assert [problem.key for problem in refusals({"h": listening(seen)})] == ["instances"]
    moving = altered(seen.installed, units={"onetime@22022.service": state})
    assert refusals({"h": dataclasses.replace(listening(seen), installed=moving)}) == []


def listening(seen: Observed) -> Observed:
    listener = Listener(IPv4Address(0), 22022)
    return dataclasses.replace(
        seen, network=dataclasses.replace(seen.network, listeners=frozenset({listener}))
    )


@pytest.mark.parametrize(
    ("version", "told"),
    [((5, 3, 0), False), ((5, 8, 9), False), ((5, 9, 0), True), ((6, 0, 0), True)],
)
def test_podman_that_nobody_has_tried_is_told(version: tuple[int, ...], told: bool) -> None:
    seen = observed()
    plan = plan_one(dataclasses.replace(seen, installed=altered(seen.installed, version=version)))
    newer = [line for line in plan.warnings if "newer than what this was tried with" in line]
    assert bool(newer) == told
