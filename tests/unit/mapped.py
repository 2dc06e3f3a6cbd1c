"""Hosts as the map has them, and what is looked for on its page."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from plan.fleet import try_fleet
from plan.map.hosts import MapHost
from plan.map.subnets import Subnet, subnets
from plan.observed import Observed
from tests.unit.planned import observed
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
