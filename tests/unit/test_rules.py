"""The nft chains of the modes: what is let through, and what is not."""

from __future__ import annotations

import dataclasses
import re
from ipaddress import IPv4Address
from typing import Any

import pytest

from facts.proc import Listener
from plan.compare.changes import compare
from plan.model import HostPlan
from tests.unit.planned import altered, as_planned, fresh, observed, plan_one, refusals


def rules(plan: HostPlan, chain: str) -> str:
    return "\n".join(rule for one in plan.mode.chains if one.name == chain for rule in one.rules)


@pytest.mark.parametrize(
    ("kind", "address", "card"),
    [
        ("plain", "10.0.0.15", "eth1"),
        ("plain", "203.0.113.15", "eth0"),
        ("cloud", "10.0.0.42", "eth1"),
    ],
)
def test_published_address_takes_packets_of_its_own_card_alone(
    kind: str, address: str, card: str
) -> None:
    data = {"network_mode": "direct", "db_address": "10.0.0.10", "container_range": None}
    guard = rules(plan_one(observed(kind, publish_address=address, **data)), "guard")
    others = f'iifname != {{ "lo", "onetime0", "onetime-ask0", "{card}" }}'
    assert f"{others} ip daddr {address} tcp dport {{ 7043, 7044 }} counter drop" in guard


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("plain", {}),
        ("plain", {"publish_address": "127.0.0.1"}),
        (
            "vip",
            {
                "publish_address": "10.200.0.1",
                "network_mode": "direct",
                "publish_subnet": "172.31.0.0/24",
            },
        ),
    ],
)
def test_address_of_no_subnet_is_taken_from_any_card(kind: str, data: dict[str, Any]) -> None:
    data |= {"db_address": "10.0.0.10"} if "network_mode" in data else {}
    guard = rules(plan_one(observed(kind, **data)), "guard")
    assert "dport" not in guard
    assert 'iifname != "lo" ip daddr 127.0.0.0/8 counter drop' in guard


@pytest.mark.parametrize("nat", [True, False])
def test_network_that_routes_to_containers_may(nat: bool) -> None:
    plan = plan_one(observed(network_mode="routed", routed_nat=nat))
    inside = '"lo", "onetime0"' + ("" if nat else ', "eth1"')
    assert f"iifname != {{ {inside} }} ip daddr 10.89.43.0/24 counter drop" in rules(plan, "guard")
    assert ('iifname "eth1" oifname "onetime0"' in rules(plan, "forward")) != nat


@pytest.mark.parametrize(
    ("kind", "router", "apart"), [("plain", False, True), ("plain", True, False)]
)
def test_host_that_was_no_router_is_none(kind: str, router: bool, apart: bool) -> None:
    seen = observed(kind)
    installed = altered(fresh(), router=router)
    plan = plan_one(type(seen)(seen.settings, seen.network, installed, {}))
    cards = '{ "eth0", "eth1" }'
    expected = f"iifname {cards} oifname {cards} counter drop" if apart else ""
    assert rules(plan, "cards") == expected


def test_host_mode_lets_its_ports_in_and_nothing_else() -> None:
    plan = plan_one(observed(network_mode="host"))
    assert plan.mode.hooks == ("input",)
    assert [chain.name for chain in plan.mode.chains] == ["input"]
    assert rules(plan, "input").startswith("tcp dport { 7043, 7044 } counter meta mark set")


@pytest.mark.parametrize(
    ("data", "destination"),
    [({}, "fib daddr type local"), ({"publish_address": "10.0.0.15"}, "ip daddr 10.0.0.15")],
)
def test_ports_lead_to_the_containers_own_addresses(data: dict[str, Any], destination: str) -> None:
    plan = plan_one(observed(**data))
    (address,) = re.findall(r"publish\.network:ip=([0-9.]+)", drop_in(plan, 7044))
    for chain in ("published", "published_own"):
        expected = f"{destination} tcp dport 7044 counter dnat to {address}:3000"
        assert rules(plan, chain).splitlines()[1] == expected


def test_place_on_the_bridge_is_for_life() -> None:
    before = plan_one(observed(instances=[7043, 7044]))
    seen = observed(instances=[7042, 7044])
    after = plan_one(dataclasses.replace(seen, installed=as_planned(before)))
    assert drop_in(after, 7044) == drop_in(before, 7044)


def drop_in(plan: HostPlan, port: int) -> str:
    return plan.file(f"quadlet/onetime@{port}.container.d/address.conf").content


def test_container_is_open_to_its_published_port_alone() -> None:
    guard = plan_one(observed()).mode.guard
    assert guard is not None
    accepted = [rule for rule, _ in guard.input if rule.endswith("accept")][2:]
    assert accepted == [
        f"ip daddr 10.89.43.0/24 ip saddr {source} tcp dport 3000 counter accept"
        for source in ("10.89.43.1", "!= 10.89.43.0/24")
    ]


@pytest.mark.parametrize(
    ("data", "clients"),
    [
        ({"lan_clients": ["10.0.0.7", "10.0.0.64/28"]}, "10.0.0.7/32, 10.0.0.64/28"),
        ({"shim": True}, "10.0.0.128/32"),
        ({"shim": True, "lan_clients": ["10.0.0.7"]}, "10.0.0.7/32, 10.0.0.128/32"),
    ],
)
def test_neighbours_come_in_where_a_word_lets_them(data: dict[str, Any], clients: str) -> None:
    guard = plan_one(observed(**data)).mode.guard
    assert guard is not None
    expected = f"ip daddr != 10.89.43.0/24 ip saddr {{ {clients} }} tcp dport 3000 counter accept"
    assert (expected, "lan_clients") in guard.input


@pytest.mark.parametrize(
    ("data", "reached"),
    [
        ({}, "ip daddr 10.0.0.10 tcp dport 6379 counter accept"),
        ({"db_address": "10.0.0.9", "db_port": 6380}, "ip daddr 10.0.0.9 tcp dport 6380 counter"),
        ({"shim": True}, "ip daddr 10.0.0.128 counter accept"),
    ],
)
def test_container_reaches_what_it_needs_and_no_other_container(
    data: dict[str, Any], reached: str
) -> None:
    for egress in ("all", "services"):
        guard = plan_one(observed(egress=egress, **data)).mode.guard
        assert guard is not None
        rules = [rule for rule, _ in guard.output]
        closed = "ip daddr { 10.89.43.0/24, 169.254.0.0/16, 10.0.0.128/27 } counter reject"
        (place,) = [number for number, rule in enumerate(rules) if rule.startswith(reached)]
        assert place < rules.index(closed)
        assert (rules[-1] == "counter reject") == (egress == "services")


def test_lan_clients_are_refused_without_private_addresses() -> None:
    seen = observed(network_mode="routed", lan_clients=["10.0.0.7"])
    (problem,) = refusals({"h": seen})
    assert "lan_clients: in the mode routed" in str(problem)
    assert "macvlan or ipvlan" in str(problem)


@pytest.mark.parametrize("mode", ["macvlan", "host"])
def test_stranger_on_a_port_that_leads_elsewhere_is_told(mode: str) -> None:
    """Before the first deploy, and where the app itself is to listen, it is in the way."""
    seen = observed(network_mode=mode)
    stranger = Listener(IPv4Address(0), 7043)
    network = dataclasses.replace(seen.network, listeners=frozenset({stranger}))
    before = dataclasses.replace(seen, network=network)
    (problem,) = refusals({"h": before})
    assert "something else listens on port 7043 already" in str(problem)
    installed = as_planned(plan_one(observed()))
    after = dataclasses.replace(before, installed=installed)
    if mode == "host":
        assert "something else listens" in str(refusals({"h": after})[0])
    else:
        (warning,) = plan_one(after).warnings
        assert "something else listens on port 7043 and gets no client" in warning


def test_app_on_the_hosts_own_network_has_no_guard() -> None:
    plan = plan_one(observed(network_mode="host"))
    installed = altered(as_planned(plan), unguarded=frozenset({"onetime-7043"}))
    assert compare(plan, installed).guard == ()
