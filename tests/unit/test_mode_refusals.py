"""What each network mode refuses of a host and its words, and what it plans where it does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from facts.proc import Listener
from plan.host import plan_nothing
from plan.observed import Observed
from tests.unit.observed import address, settings
from tests.unit.planned import observed, plan_one, refusals
from tests.unit.tunnels import host

GATEWAY = {"db_address": "host-gateway"}
LISTENING = {Listener(address("10.0.0.15"), 6379)}
LOOPBACK = {Listener(address("127.0.0.1"), 6379)}


def resolving(database: str | None, listeners: set[Listener], **data: Any) -> Observed:
    """Return a host that resolves the database's name so, and on which these listen."""
    seen = observed(**data)
    network = dataclasses.replace(
        seen.network,
        resolved=address(database) if database else None,
        listeners=seen.network.listeners | listeners,
    )
    return dataclasses.replace(seen, network=network)


@pytest.mark.parametrize(
    ("database", "listeners", "message"),
    [
        ("10.0.0.15", LISTENING, None),
        (None, LISTENING, None),
        ("127.0.1.1", LISTENING, None),
        ("10.0.0.10", LISTENING, "host-gateway is this host, but maindb is 10.0.0.10"),
        (None, LOOPBACK, "nothing on it listens on port 6379 beyond loopback"),
        (None, set(), "nothing on it listens on port 6379 beyond loopback"),
    ],
)
def test_direct_takes_the_host_for_the_database_if_one_is_there(
    database: str | None, listeners: set[Listener], message: str | None
) -> None:
    seen = resolving(database, listeners, network_mode="direct", **GATEWAY)
    problems = refusals({"a": seen})
    assert [message in problem.observation for problem in problems if message] == [True] * len(
        problems
    )
    assert bool(problems) == bool(message)


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ({"network_mode": "routed", **GATEWAY}, ["db_address"]),
        ({"network_mode": "host", **GATEWAY}, ["db_address"]),
        ({"network_mode": "host", "publish_address": "10.0.0.15"}, ["publish_address"]),
        (
            {"network_mode": "host", "publish_address": "10.0.0.15", **GATEWAY},
            ["publish_address", "db_address"],
        ),
        ({"network_mode": "macvlan", **GATEWAY}, ["db_address"]),
        ({"network_mode": "direct", "network_interface": "eth9"}, ["network_interface"]),
    ],
)
def test_mode_refuses_words_that_it_cannot_heed(data: dict[str, Any], keys: list[str]) -> None:
    assert [problem.key for problem in refusals({"a": observed(**data)})] == keys


def test_database_needs_an_address_if_it_does_not_resolve() -> None:
    (problem,) = refusals({"a": resolving(None, set(), network_mode="direct")})
    assert problem.key == "db_host"
    assert refusals({"a": host()}) == []


def test_lan_mode_does_without_the_databases_address() -> None:
    """The problem is told once: that the name does not resolve."""
    (problem,) = refusals({"a": resolving(None, set())})
    assert problem.key == "db_host"


def test_router_in_the_range_is_named_beside_a_range_outside() -> None:
    outside = observed(container_range="10.0.9.0/27", shim=True, shim_address="10.0.0.10")
    seen = [problem.observation for problem in refusals({"a": outside})]
    assert seen == [
        "10.0.9.0/27 is not inside 10.0.0.0/24, the subnet of eth1",
        "10.0.0.10 is the database",
    ]


def test_first_of_several_cards_is_taken_with_a_warning() -> None:
    data: dict[str, Any] = {"db_address": "192.0.2.1", "container_range": None}
    plan = plan_one(observed("twocards", network_mode="routed", **data))
    (warning,) = plan.warnings
    assert warning.startswith("eth1 was chosen as the private card because it comes first; eth2 ")


def test_routed_bridges_of_two_hosts_do_not_overlap() -> None:
    routed: dict[str, Any] = {"network_mode": "routed", "routed_nat": False}
    hosts = {name: observed(**routed) for name in ("a", "b")}
    (problem,) = refusals(hosts)
    assert (problem.key, "of b, and routed_nat is False" in problem.observation) == (
        "publish_subnet",
        True,
    )
    other = observed(**routed, publish_subnet="10.89.44.0/24")
    assert refusals({"a": observed(**routed), "b": other}) == []
    assert refusals({name: observed(network_mode="routed") for name in ("a", "b")}) == []


def test_hosts_without_private_cards_never_meet() -> None:
    direct = {"network_mode": "direct", "db_address": "192.0.2.9"}
    assert refusals({name: observed("nocard", **direct) for name in ("a", "b")}) == []


def test_shims_outside_their_ranges_are_nobody_elses() -> None:
    ranges = {"a": "10.0.0.128/27", "b": "10.0.0.160/27"}
    same = {
        name: observed(container_range=part, shim=True, shim_address="10.0.0.50")
        for name, part in ranges.items()
    }
    (problem,) = refusals(same)
    assert problem.observation == "10.0.0.50 is the shim of b too"
    apart = {
        "a": same["a"],
        "b": observed(
            "twocards",
            network_interface="eth1",
            container_range="10.0.1.160/27",
            shim=True,
            shim_address="10.0.1.50",
        ),
    }
    assert refusals(apart) == []


def test_shim_at_a_neighbours_instance_is_refused() -> None:
    neighbour = observed(container_range="10.0.0.160/27", instances=[7043])
    (instance,) = plan_one(neighbour).instances
    shim = observed(shim=True, shim_address=str(instance.address))
    (problem,) = refusals({"a": shim, "b": neighbour})
    assert problem.observation == f"{instance.address} is instance 7043's on b"


def test_plan_of_nothing_has_neither_instances_nor_rules() -> None:
    plan = plan_nothing("h", settings())
    assert (plan.instances, plan.mode.networks, plan.mode.chains, plan.secrets) == ((), (), (), ())
    assert "FORWARD=0\n" in plan.file("host/network").content


def test_images_and_archives_are_those_of_the_mode() -> None:
    tunnelled = host(image_archive="app.tar").settings
    assert tunnelled.images == [settings().image, "registry.example/wireguard:1"]
    assert tunnelled.archives == {"image_archive": "app.tar"}
    assert settings().images == [settings().image]
