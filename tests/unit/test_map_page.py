"""The page stands by itself; two maps differ where the network does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address
from xml.etree import ElementTree as ET

import pytest

from plan.compare.changes import compare
from plan.compare.status import rows
from plan.fleet import try_fleet
from plan.map.hosts import MapHost, Verdict
from plan.map.page import page
from plan.map.shapes import anchor
from plan.model import HostPlan
from plan.observed import Observed
from tests.unit.mapped import (
    MODES,
    figures,
    hosts,
    only,
    placed,
    section,
    texts,
)
from tests.unit.planned import as_planned, plan_one
from tests.unit.test_status import running
from tests.unit.tunnels import host as tunnelled


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


def test_names_of_strange_letters_have_targets_of_their_own() -> None:
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
