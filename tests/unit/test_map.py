"""The map tells of every host, address and translation, in every mode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from plan.map.hosts import MapHost
from plan.map.page import page
from plan.map.shapes import anchor
from plan.observed import Observed
from tests.unit.mapped import (
    MODES,
    SERVICES,
    figures,
    only,
    placed,
    section,
    texts,
)
from tests.unit.planned import observed, plan_one
from tests.unit.tunnels import host as tunnelled


@pytest.mark.parametrize("mode", MODES)
def test_host_of_each_mode_has_its_ports_and_addresses(mode: str) -> None:
    one, told = MODES[mode]
    html = page([only(one)])
    text = texts(section(html, "host_app1"))
    database = "10.77.0.10:6379" if mode == "wireguard" else "10.0.0.10:6379"
    expected = ["app1", f"mode {mode}", "eth1 10.0.0.15", "maindb", database, *told]
    # Of the rule in the golden release: tests/golden/<mode>/host/rules.nft.
    arrows = {7043: "10.89.43.159:3000", 7044: "10.89.43.160:3000"}
    for port, leads in arrows.items():
        expected += [f"instance {port}", f"*:{port}" + ("" if mode == "host" else f" → {leads}")]
    assert [line for line in expected if line not in text] == []
    assert "10.0.0.10 maindb, port 6379" in html or mode == "wireguard"


@pytest.mark.parametrize(
    ("one", "way", "told"),
    [
        (MODES["macvlan"][0], "maindb", ("10.0.0.135", "macvlan onetime", "eth1")),
        (MODES["macvlan"][0], "the world outside", ("bridge onetime0", "masquerade: as the host")),
        (MODES["routed"][0], "from clients", ("*:7043", "translated to", "10.89.43.159:3000")),
        (MODES["host"][0], "from clients", ("*:7043", "no translation", "port 7043")),
        (MODES["host"][0], "maindb", ("the host&#39;s own network", "by eth1")),
        (
            MODES["wireguard"][0],
            "maindb",
            ("onetime-wg-7043", "10.99.0.2", "203.0.113.2:51820", "as 10.99.0.2"),
        ),
        (
            placed(0, network_mode="routed", routed_nat=False),
            "maindb",
            ("10.89.43.159", "bridge address, no translation"),
        ),
        (placed(0, publish_address="10.0.0.15"), "from clients", ("10.0.0.15:7043",)),
    ],
)
def test_way_has_each_hop_and_its_translation(one: Observed, way: str, told: Sequence[str]) -> None:
    text = texts(section(page([only(one)]), anchor("way", "app1", 7043, way)))
    assert [line for line in told if line not in text] == []


def test_database_on_the_host_is_reached_without_translation() -> None:
    known = observed(network_mode="direct")
    listening = next(iter(known.network.listeners))
    listener = replace(listening, address=IPv4Address(0), port=6379)
    one = replace(
        observed(network_mode="direct", db_address="host-gateway"),
        network=replace(known.network, resolved=None, listeners=frozenset({listener})),
    )
    html = page([only(one)])
    text = texts(section(html, anchor("way", "app1", 7043, "maindb")))
    assert "the host, port 6379" in text
    assert "masquerade" not in text


def test_host_without_a_private_card_is_drawn_apart() -> None:
    known = plan_one(observed(network_mode="direct", db_address="10.0.0.10"))
    html = page([MapHost("h", known.settings, replace(known, private=None))])
    assert "Hosts in no private network that is known" in html
    assert "masquerade: as the host" in section(html, "host_h")
    assert figures(html) == []


def test_jobs_have_places_of_their_own_or_that_of_a_tunnel() -> None:
    html = page([only(placed(0, workers=["emails"], scheduler=True))])
    assert "job emails" in texts(section(html, "host_app1"))
    assert re.search(r">10\.0\.0\.\d+ app1 scheduler<", html)
    html = page([only(tunnelled(workers=["emails"]))])
    way = texts(section(html, anchor("way", "app1", "emails", "maindb")))
    assert "onetime-wg-7043" in way
    outside = texts(section(html, anchor("way", "app1", "emails", "the world outside")))
    assert "in its tunnel&#39;s network" in outside


def test_services_shim_routes_and_habits_are_told() -> None:
    plan = plan_one(placed(0, shim=True, services=SERVICES, lan_clients=["10.0.0.16/28"]))
    assert plan.private is not None
    way = (IPv4Network("10.5.0.0/16"), IPv4Address("10.0.0.2"))
    plan = replace(plan, private=replace(plan.private, routes=(way,)))
    html = page([MapHost("h", plan.settings, plan)])
    text = texts(html)
    for told in (
        "10.0.0.30 authdb, port 5432",
        "10.0.0.30:5432",
        "10.0.0.128 shim macvlan0 of h",
        "shim macvlan0 10.0.0.128",
        "10.0.0.2 router to 10.5.0.0/16",
        "10.0.0.16/28 may come to the containers directly",
    ):
        assert told in text


def test_closed_egress_has_no_way_outside() -> None:
    html = page([only(placed(0, egress="services"))])
    assert "world outside" not in html
    assert "containers reach their services alone" in html


def test_many_public_places_are_counted() -> None:
    plan = plan_one(placed(0))
    places = tuple(f"203.0.113.15:{port}" for port in range(7043, 7053))
    html = page([MapHost("h", plan.settings, replace(plan, public=places))])
    assert "and 4 more" in html
    assert "to every address" in page([MapHost("h", plan.settings, replace(plan, public=()))])


def test_service_behind_a_peer_is_reached_by_its_tunnel() -> None:
    html = page([only(tunnelled(services={"authdb": {"address": "10.77.0.30", "port": 5432}}))])
    assert "onetime-wg-7043" in section(html, anchor("way", "app1", 7043, "authdb"))
    near = tunnelled(services={"authdb": {"address": "10.0.0.30", "port": 5432}})
    assert "masquerade: as 10.0.0.15" in section(
        page([only(near)]), anchor("way", "app1", 7043, "authdb")
    )
