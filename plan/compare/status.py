"""What runs on a host beside what is planned: a row per container, and what is amiss."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Set
from dataclasses import dataclass

from facts.running import RunningState
from names import INSTANCE, JOB, SCHEDULER, SIDECAR, unit
from plan.compare.actions import actions
from plan.compare.changes import Changes
from plan.compare.releases import current_release
from plan.inventory.values import Member
from plan.model import HostPlan
from plan.observed import Observed
from plan.release.address_drop_ins import read_addresses, read_bridge_addresses

# A unit with Restart=always never reads failed: so many starts of its own, and it goes in circles.
_CIRCLES = 3
_KINDS = {INSTANCE: "web", SIDECAR: "tunnel", JOB: "worker"}
_NAMES = (
    re.compile(rf"({SIDECAR}|{INSTANCE})-(\d+)"),
    re.compile(rf"({JOB})-([a-z0-9-]+)"),
)


@dataclass(frozen=True)
class Row:
    """One container of a host, or the host itself where there is none.

    + published: where clients reach it; `address` is its own, on the private network or the bridge
    + seconds: since when it is active, none if it is not
    + drift: what a deploy would change about it, in a word; empty if nothing
    """

    host: str
    mode: str
    interface: str
    container_range: str
    instance: str
    kind: str
    published: str
    address: str
    health: str
    seconds: int | None
    restarts: int
    image: str
    release: str
    drift: str


def rows(
    plan: HostPlan, observed: Observed, running: RunningState, changes: Changes
) -> Iterator[Row]:
    """Yield a row for each container that is planned, or runs all the same."""
    settings, private = plan.settings, plan.private
    drop_ins = observed.installed.release.drop_ins
    addresses = read_bridge_addresses(drop_ins) | read_addresses(drop_ins)
    release = current_release(observed.installed)
    planned = {name: member for member in plan.members for name in member.containers}
    for name in (*planned, *sorted(running.containers.keys() - planned.keys())):
        match = next(filter(None, (pattern.fullmatch(name) for pattern in _NAMES)), None)
        if match is None:
            continue
        kind, member = match[1], int(match[2]) if match[2].isdecimal() else match[2]
        live, state = running.containers.get(name), running.units.get(unit(kind, member))
        yield Row(
            host=plan.host,
            mode=settings.network_mode,
            interface=private.interface if private else "",
            container_range=str(settings.own_range or ""),
            instance=str(member),
            kind=SCHEDULER if member == SCHEDULER else _KINDS[kind],
            published=f"{settings.published or '*'}:{member}" if kind == INSTANCE else "",
            address=str(addresses.get(member, "")),
            health=_health(live.health if live else "", state.state if state else "missing"),
            seconds=state.seconds if state else None,
            restarts=state.restarts if state else 0,
            image=live.image if live else "",
            release=str(release or ""),
            drift=_drift(name, member, planned, changes),
        )


def _health(health: str, state: str) -> str:
    return health or "up" if state == "active" else state


def _drift(name: str, member: Member, planned: Container[str], changes: Changes) -> str:
    if name not in planned:
        return "not planned"
    if member in (*changes.restart, *changes.jobs):
        return "to start"
    return "to guard" if name in changes.guard else ""


def findings(
    plan: HostPlan, observed: Observed, running: RunningState, changes: Changes
) -> Iterator[str]:
    """Yield a sentence for everything on the host that is not as the inventory says."""
    for name, state in sorted(running.units.items()):
        if state.state == "failed":
            yield f"{name} has failed: journalctl -u {name}"
        elif state.restarts >= _CIRCLES and state.state != "active":
            yield f"{name} was restarted {state.restarts} times: journalctl -u {name}"
    for name, live in sorted(running.containers.items()):
        if live.health == "unhealthy":
            yield f"{name} is unhealthy: podman healthcheck run {name}"
    ports = {instance.port for instance in plan.instances}
    yield from _gates(running, ports)
    for name in sorted(observed.installed.podman.unguarded):
        yield f"{name} is not guarded: a deploy guards it anew"
    if running.change:
        origin, to = running.change
        yield f"a change from release {origin} to {to} is not over: the host goes on with it"
    if running.holder:
        yield f"{running.holder} holds the lock"
    if todo := [action.does for action in actions(plan, observed.installed, changes)]:
        yield f"a deploy would {'; '.join(todo)}"


def _gates(running: RunningState, ports: Set[int]) -> Iterator[str]:
    """Yield what is amiss with the gates before ports of instances."""
    if running.drain:
        yield f"{running.drain}: verbs/undrain.py opens its gates"
    # A drained host has all of them closed, any other those of instances that do not run.
    for port in sorted(ports - running.closed if running.drain else ports & running.closed):
        instance = running.units.get(unit(INSTANCE, port))
        if instance and instance.state == "active":
            state = "open" if running.drain else "closed, though its instance runs"
            yield f"the gate before port {port} is {state}"
