"""What collides on a map is red, and a strip has every address once."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

import pytest

from plan.map import strips
from plan.map.hosts import MapHost
from plan.map.page import page
from plan.map.subnets import Subnet
from tests.unit.mapped import (
    collisions,
    figures,
    hosts,
    placed,
    subnet,
)
from tests.unit.planned import plan_one


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
