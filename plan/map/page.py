"""The whole map as one page: the fleet, each host, and each way, as text that stands by itself."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from facts.text import printable
from plan.map import strips
from plan.map.host_drawing import draw_host
from plan.map.hosts import MapHost, key
from plan.map.shapes import Drawing, anchor
from plan.map.subnets import Subnet, subnets
from plan.map.tile_drawing import draw_tile
from plan.map.way_drawing import draw_way
from plan.map.ways import ways
from plan.model import HostPlan, MemberPlan

_TEMPLATE = "map.html.j2"


@dataclass(frozen=True)
class WayPart:
    """One way.

    + target: what it is called in links
    """

    target: str
    title: str
    name: str
    drawing: Drawing


@dataclass(frozen=True)
class MemberPart:
    """A container of a host, and its ways."""

    target: str
    title: str
    verdict: str
    kind: str
    ways: tuple[WayPart, ...]


@dataclass(frozen=True)
class HostPart:
    """One host: its tile in the fleet, and its own picture if it is planned."""

    target: str
    name: str
    tile: Drawing
    drawing: Drawing | None
    facts: tuple[str, ...]
    findings: tuple[str, ...]
    members: tuple[MemberPart, ...]


@dataclass(frozen=True)
class SubnetPart:
    """A private subnet: its hosts, and its strip. Without a network: hosts that are in none."""

    subnet: Subnet | None
    hosts: tuple[HostPart, ...]
    rows: tuple[strips.Row, ...]


def page(hosts: Sequence[MapHost], problems: Sequence[str] = ()) -> str:
    """Return the page for hosts, the same for the same hosts whatever their order.

    + problems: what keeps the inventory from being deployed, a sentence each
    """
    ordered = sorted(hosts, key=lambda host: host.name)
    networks = subnets(ordered)
    colliding = {name for net in networks for item in net.collisions for name in item.hosts}
    parts = {host.name: _host(host, colliding) for host in ordered}
    groups = [
        SubnetPart(item, tuple(parts[name] for name in item.hosts), strips.rows(item))
        for item in networks
    ]
    placed = {name for item in networks for name in item.hosts}
    if unplaced := tuple(part for name, part in parts.items() if name not in placed):
        groups.append(SubnetPart(None, unplaced, ()))
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            groups=groups,
            hosts=tuple(parts.values()),
            problems=problems,
            live=any(host.rows for host in ordered),
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[2] / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_harmless,
    )


def _harmless(value: object) -> object:
    """Return what is written to the page: text from hosts has nothing that hides or turns text."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _host(host: MapHost, colliding: Container[str]) -> HostPart:
    plan = host.plan
    amiss = bool(host.findings) or host.name in colliding
    return HostPart(
        target=anchor("host", host.name),
        name=host.name,
        tile=draw_tile(host, amiss=amiss),
        drawing=draw_host(host, plan) if plan else None,
        facts=tuple(_facts(host)),
        findings=host.findings,
        members=tuple(_member(host, plan, member) for member in plan.members) if plan else (),
    )


def _facts(host: MapHost) -> Iterator[str]:
    """Yield what the pictures have no place for."""
    settings, plan = host.settings, host.plan
    yield f"mode {settings.network_mode}"
    if settings.own_range:
        yield f"container_range {settings.own_range}"
    if plan is None:
        yield "not planned: drawn from the inventory alone"
        yield f"instances {', '.join(map(str, settings.instances))}"
        return
    if plan.private:
        yield f"{plan.private.interface} {plan.private.address}, gateway {plan.private.gateway}"
        for destination, router in plan.private.routes:
            yield f"{destination} by {router}"
    for network in settings.lan_clients if plan.mode.guard else ():
        yield f"{network} may come to the containers directly"
    if settings.egress == "services":
        yield "containers reach their services alone"


def _member(host: MapHost, plan: HostPlan, member: MemberPlan) -> MemberPart:
    verdict = host.verdict(member)
    return MemberPart(
        target=anchor("host", host.name, key(member)),
        title=member.title,
        verdict=verdict.text,
        kind=verdict.kind,
        ways=tuple(
            WayPart(
                anchor("way", host.name, key(member), way.name),
                way.title,
                way.name,
                draw_way(way),
            )
            for way in ways(plan, member)
        ),
    )
