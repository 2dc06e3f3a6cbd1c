"""Hosts as a diagnosis has them: whole ones, to be broken in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from facts.paths import PathAnswer
from facts.way import WayState
from plan.compare.changes import compare
from plan.compare.verdicts import question
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Trail
from plan.diagnosis.trails import trails
from plan.model import HostPlan
from plan.observed import Observed
from tests.unit.planned import altered, as_planned, observed, plan_one
from tests.unit.test_status import running

SERVICES = {"db2": {"address": "10.0.0.20", "port": 5432, "protocol": "postgresql"}}


def way(plan: HostPlan, **fields: Any) -> WayState:
    """Return a way on which nothing is amiss."""
    port = plan.settings.container_port
    card = plan.private.interface if plan.private else "eth1"
    state = WayState(
        carriers={"eth0": True, "eth1": True},
        connections=(10, 1000),
        listening={name: frozenset({port}) for it in plan.instances for name in it.containers},
        neighbours={},
        routes={address: card for address, _ in plan.endpoints.values()},
        handshakes={name: 30 for it in plan.instances for name in it.containers},
    )
    return replace(state, **fields)


def answers(plan: HostPlan, **changed: str) -> tuple[PathAnswer, ...]:
    """Return what comes back where all paths work; `changed` says otherwise, by path."""
    asked = question(plan)
    paths = {f"host/{address}": "HTTP/1.0 200 OK" for address in asked.addresses}
    paths |= {f"beyond/{asked.beyond}": "HTTP/1.0 200 OK", "database": "+PONG"}
    paths |= {f"service/{name}": "answered" for name, _, _ in asked.services}
    return tuple(
        PathAnswer(port, path, text)
        for port in asked.ports
        for path, text in (paths | changed).items()
    )


def scene(host: Observed | None = None, **fields: Any) -> Scene:
    """Return a host on which all is as planned, but for what the fields say."""
    host = host or observed(shim=True, services=SERVICES)
    plan = plan_one(host)
    installed = altered(as_planned(plan), images={plan.settings.image: "sha256:1"})
    found = Scene(
        plan,
        replace(host, installed=installed),
        compare(plan, installed),
        running(plan),
        way(plan),
    )
    return replace(found, **fields)


def seen(base: Scene, **fields: Any) -> Scene:
    """Return a scene with other values in what is installed."""
    installed = altered(base.observed.installed, **fields)
    return replace(
        base,
        observed=replace(base.observed, installed=installed),
        changes=compare(base.plan, installed),
    )


def causes(found: Scene) -> list[str]:
    return [*dict.fromkeys(trail.broken.cause for trail in trails(found) if trail.broken)]


def trail(found: Scene, path: str, member: str = "7043") -> Trail:
    return next(it for it in trails(found) if (it.member, it.path) == (member, path))
