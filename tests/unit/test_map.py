"""The map tells of every host, address and translation; two maps differ where the network does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from plan.compare.changes import compare
from plan.compare.status import rows
from plan.fleet import try_fleet
from plan.map import strips
from plan.map.hosts import MapHost, Verdict
from plan.map.page import page
from plan.map.shapes import anchor
from plan.map.subnets import Subnet, subnets
from plan.model import HostPlan
from plan.observed import Observed
from tests.unit.planned import as_planned, observed, plan_one
from tests.unit.test_status import running
from tests.unit.tunnels import host as tunnelled

CARD, OUTSIDE = IPv4Address("10.0.0.15"), IPv4Address("203.0.113.15")
SERVICES = {"authdb": {"address": "10.0.0.30", "port": 5432}}


def placed(number: int, **data: Any) -> Observed:
    """Return a host like others, with a card, a public address and a range of its own."""
    changes = {CARD: CARD + number, OUTSIDE: OUTSIDE + number}
    data = {"container_range": f"10.0.0.{128 + 32 * number}/27"} | data
    one = observed(**data)
    addresses = tuple(changes.get(address, address) for address in one.network.addresses)
    return replace(one, network=replace(one.network, addresses=addresses))


def hosts(**fleet: Observed) -> list[MapHost]:
    """Return hosts for a map, with plans for all that can be planned."""
    plans, _ = try_fleet(fleet, {})
    return [MapHost(name, one.settings, plans.get(name)) for name, one in fleet.items()]


def only(one: Observed) -> MapHost:
    return hosts(app1=one)[0]


def subnet(*those: MapHost) -> Subnet:
    (one,) = subnets(those)
    return one


def collisions(*those: MapHost) -> list[str]:
    return [collision.text for collision in subnet(*those).collisions]


def texts(html: str) -> str:
    """Return what a reader reads, a line for each text."""
    return "\n".join(re.findall(r"<(?:text|li|h2|span|a|p)\b[^>]*>([^<]+)<", html))


def section(html: str, target: str) -> str:
    """Return a part of the page by what it is called in links."""
    (part,) = re.findall(
        rf'<section class="\w+" id="{re.escape(target)}">.*?</section>', html, re.S
    )
    return str(part)


def figures(html: str) -> list[str]:
    return re.findall(r"<figure>.*?</figure>", html, re.S)


MODES = {
    "macvlan": (
        placed(0, network_mode="macvlan"),
        ("own address, no translation", "macvlan onetime on eth1", "10.0.0.135", "10.0.0.136"),
    ),
    "ipvlan": (
        placed(0, network_mode="ipvlan"),
        ("own address, no translation", "ipvlan onetime on eth1", "10.0.0.135", "10.0.0.136"),
    ),
    "routed": (
        placed(0, network_mode="routed"),
        ("masquerade: as 10.0.0.15", "the host routes, by eth1"),
    ),
    "direct": (
        placed(0, network_mode="direct", db_address="10.0.0.10"),
        ("masquerade: as 10.0.0.15", "the host routes, by eth1"),
    ),
    "wireguard": (
        tunnelled(),
        (
            "encrypted, to 203.0.113.2:51820",
            "10.99.0.2",
            "10.99.0.3",
            "as the tunnel&#39;s address",
        ),
    ),
    "host": (
        placed(0, network_mode="host"),
        ("as the host, no translation", "the host&#39;s own network", "no translation"),
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_host_of_each_mode_has_names_ports_addresses_and_translations(mode: str) -> None:
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


def test_database_on_the_host_itself_is_reached_without_translation() -> None:
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


# --- collisions ---


def test_inventory_without_collisions_has_none() -> None:
    fleet = hosts(a=placed(0, shim=True), b=placed(1, network_mode="routed"), c=placed(2))
    assert collisions(*fleet) == []
    html = page(fleet)
    assert 'class="cell disputed"' not in "".join(figures(html))
    assert 'class="frame amiss"' not in html


def test_overlapping_ranges_are_red_and_told_once() -> None:
    fleet = hosts(a=placed(0), b=placed(1, container_range="10.0.0.128/28"), c=placed(2))
    told = collisions(*fleet)
    assert told[0] == "10.0.0.128/27 of a overlaps with 10.0.0.128/28 of b"
    assert not any(" holds " in text for text in told)
    html = page(fleet)
    assert html.count('class="frame amiss"') == 2
    assert "a 10.0.0.128/27, b 10.0.0.128/28" in html
    assert "10.0.0.128/27 of a overlaps with" in html


def test_range_that_holds_a_neighbour_is_red_there() -> None:
    fleet = hosts(a=placed(0, container_range="10.0.0.0/27"), b=placed(1))
    # A range that holds the router cannot be planned; one that holds another host can.
    assert fleet[0].plan is None
    fleet = hosts(a=placed(0, container_range="10.0.0.16/28"), b=placed(1))
    assert collisions(*fleet) == ["10.0.0.16/28 of a holds 10.0.0.16, b eth1"]
    (row,) = [figure for figure in figures(page(fleet)) if "10.0.0.16, b eth1" in figure]
    assert row.count('class="cell disputed"') == 1


def test_stranger_at_an_instance_is_red() -> None:
    fleet = hosts(a=placed(0))
    own = IPv4Address("10.0.0.135"), "02:00:0a:00:00:87"
    other = IPv4Address("10.0.0.136"), "52:54:00:12:34:56"
    (host,) = [replace(one, answering=dict([own, other])) for one in fleet]
    assert collisions(host) == ["10.0.0.136 is a 7044 and answered by 52:54:00:12:34:56"]


def test_one_address_of_two_hosts_is_red() -> None:
    fleet = hosts(
        a=placed(0, network_mode="routed"), b=placed(0, network_mode="routed"), c=placed(2)
    )
    assert collisions(*fleet) == ["10.0.0.15 is a eth1 and b eth1"]


# --- strips ---


def parts(one: Subnet) -> list[tuple[int, int]]:
    """Return the first and last address that each row stands for."""
    found = []
    for row in strips.rows(one):
        match = re.fullmatch(r"addresses (\S+) to (\S+)", row.drawing.title)
        assert match is not None
        found.append((int(IPv4Address(match[1])), int(IPv4Address(match[2]))))
    return found


@pytest.mark.parametrize(
    ("network", "container_range"),
    [
        ("10.0.0.0/24", "10.0.0.128/27"),
        ("10.0.0.0/16", "10.0.0.128/28"),
        ("10.0.0.0/8", "10.64.0.0/12"),
        ("10.0.0.0/27", "10.0.0.16/29"),
        ("10.0.0.0/28", None),
    ],
)
def test_strip_has_every_address_once(network: str, container_range: str | None) -> None:
    plan = plan_one(placed(0, network_mode="routed"))
    assert plan.private is not None
    mode = "macvlan" if container_range else "routed"
    words = {
        "network_mode": mode,
        "container_range": IPv4Network(container_range) if container_range else None,
    }
    settings = plan.settings.model_copy(update=words)
    private = replace(plan.private, subnet=IPv4Network(network))
    one = subnet(MapHost("h", settings, replace(plan, settings=settings, private=private)))
    found = parts(one)
    assert found[0][0] == int(one.network[0])
    assert found[-1][1] == int(one.network[-1])
    assert all(end + 1 == start for (_, end), (start, _) in pairwise(found))


def test_wide_range_without_containers_is_one_band() -> None:
    plan = plan_one(placed(0))
    assert plan.private is not None
    private = replace(plan.private, subnet=IPv4Network("10.0.0.0/16"))
    other = placed(1, container_range="10.0.128.0/18").settings
    html = page([MapHost("a", plan.settings, replace(plan, private=private)), MapHost("b", other)])
    assert "10.0.128.0 to 10.0.191.255   range of b, 16384 addresses" in html
    assert "10.0.192.0 to 10.0.255.255   free, 16384 addresses" in html


def test_wide_ranges_that_overlap_are_a_red_band() -> None:
    plan = plan_one(placed(0))
    assert plan.private is not None
    private = replace(plan.private, subnet=IPv4Network("10.0.0.0/16"))
    wide = [placed(1, container_range=f"10.0.128.0/{length}").settings for length in (18, 19)]
    fleet = [
        MapHost("a", plan.settings, replace(plan, private=private)),
        *(MapHost(name, words) for name, words in zip("bc", wide, strict=True)),
    ]
    (band,) = [one for one in figures(page(fleet)) if "range of b, range of c" in one]
    assert 'class="cell disputed"' in band


# --- live ---


def live(one: Observed, **health: str) -> MapHost:
    """Return a host that runs as planned, but for the health of some containers by name."""
    plan = plan_one(one)
    seen = running(plan)
    containers = {
        name: replace(container, health=health.get(name.replace("-", "_"), container.health))
        for name, container in seen.containers.items()
    }
    installed = as_planned(plan)
    told = rows(
        plan,
        replace(one, installed=installed),
        replace(seen, containers=containers),
        compare(plan, installed),
    )
    return MapHost("h", plan.settings, plan, tuple(told), ("x is amiss",))


def test_verdicts_are_over_the_plan() -> None:
    host = live(placed(0), onetime_7044="unhealthy")
    assert host.plan is not None
    assert [host.verdict(one).kind for one in host.plan.members] == ["good", "bad"]
    html = page([host])
    assert "What is planned, and how it was found." in html
    assert "unhealthy" in texts(section(html, "host_h"))
    assert html.count("x is amiss") == 2
    assert "nobody was asked" in page([replace(host, rows=())])


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        ({"onetime_7043": "starting"}, Verdict("waiting", "starting")),
        ({"onetime_wg_7043": "unhealthy"}, Verdict("bad", "unhealthy")),
        ({}, Verdict("good", "healthy")),
    ],
)
def test_worse_of_instance_and_tunnel_counts(health: dict[str, str], verdict: Verdict) -> None:
    host = live(tunnelled(), **health)
    assert host.plan is not None
    assert host.verdict(host.plan.instances[0]) == verdict


def test_healthy_container_that_a_deploy_would_start_waits() -> None:
    host = live(placed(0))
    assert host.plan is not None
    drifted = replace(host, rows=tuple(replace(row, drift="to start") for row in host.rows))
    verdict = drifted.verdict(host.plan.instances[0])
    assert verdict == Verdict("waiting", "healthy, to start")


def test_host_without_a_plan_keeps_its_place() -> None:
    fleet = [
        *hosts(a=placed(0)),
        MapHost("b", placed(1).settings),
        MapHost("z", placed(9, container_range="192.168.7.0/27").settings),
    ]
    html = page(fleet, ["b: network_interface: there is none. Bring it up."])
    assert "b: network_interface: there is none. Bring it up." in html
    assert "b 10.0.0.160/27" in "".join(figures(html))
    assert "not planned: drawn from the inventory alone" in section(html, "host_b")
    # In no subnet that is known.
    assert html.index("Hosts in no private network") < html.index(">z<")


# --- the page ---


def test_maps_of_the_same_hosts_are_equal() -> None:
    fleet = hosts(a=placed(0), b=placed(1), c=placed(2, network_mode="routed"))
    assert (
        page(fleet)
        == page(fleet[::-1])
        == page(hosts(b=placed(1), c=placed(2, network_mode="routed"), a=placed(0)))
    )


def test_one_more_instance_changes_its_own_part_alone() -> None:
    before = page(hosts(a=placed(0), b=placed(1), c=placed(2)))
    after = page(hosts(a=placed(0), b=placed(1, instances=[7043, 7044, 7045]), c=placed(2)))
    assert before != after
    changed = [
        (old, new) for old, new in zip(figures(before), figures(after), strict=True) if old != new
    ]
    assert len(changed) == 1
    assert "10.0.0.169 b 7045" in changed[0][1]
    assert "10.0.0.169 b 7045" not in changed[0][0]
    for name in "ac":
        target = f"host_{name}"
        assert section(before, target) == section(after, target)
        assert tile(before, name) == tile(after, name)
    # What the host had stays where it was.
    kept = re.findall(r'<rect [^>]*class="chip"[^>]*>', tile(before, "b"))
    assert kept == re.findall(r'<rect [^>]*class="chip"[^>]*>', tile(after, "b"))[: len(kept)]


def tile(html: str, name: str) -> str:
    (found,) = re.findall(rf'<a href="#host_{name}">\n<svg.*?</svg>', html, re.S)
    return str(found)


HOSTILE = "<script>alert('x')</script>\x1b[2J\u202e&\"]]>"


def test_names_from_anywhere_are_escaped() -> None:
    plan = plan_one(placed(0))
    assert plan.private is not None
    private = replace(plan.private, interface=HOSTILE)
    plan = replace(plan, host=HOSTILE, private=private, public=(HOSTILE,))
    host = MapHost(
        HOSTILE, plan.settings, plan, (), (HOSTILE,), {IPv4Address("10.0.0.135"): HOSTILE}
    )
    html = page([host], [HOSTILE])
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;" in html
    assert well_formed(html)


@pytest.mark.parametrize("mode", MODES)
def test_page_stands_by_itself(mode: str) -> None:
    html = page([only(MODES[mode][0])])
    assert well_formed(html)
    assert not re.search(r"https?://|\bsrc=|@import|<link|<script", html)
    targets = re.findall(r'\bid="([^"]+)"', html)
    assert len(targets) == len(set(targets))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(targets)


def well_formed(html: str) -> Iterable[ET.Element]:
    """Return the page's pictures; fails where one is no XML."""
    return [
        ET.fromstring(picture)  # noqa: S314 - the page's own
        for picture in re.findall(r"<svg.*?</svg>", html, re.S)
    ]


def test_names_that_only_differ_in_strange_letters_have_targets_of_their_own() -> None:
    assert anchor("host", "a b") != anchor("host", "a/b") != anchor("host", "a-b")
    assert anchor("host", "app1") == "host_app1"


def test_long_names_are_cut_and_told_whole() -> None:
    name = "a-very-long-name-of-a-host-that-somebody-gave-it"
    plan = replace(plan_one(placed(0)), host=name)
    html = page([MapHost(name, plan.settings, plan)])
    assert re.search(rf">a-very-long-[a-z-]*…<title>{name}</title>", html)


def test_plans_are_had_beside_what_is_wrong() -> None:
    plans, problems = try_fleet({"a": placed(0), "b": placed(1, container_range=None)}, {})
    assert list(plans) == ["a"]
    assert [problem.host for problem in problems] == ["b"]
    assert isinstance(plans["a"], HostPlan)
