"""Whole plans, and hosts that are exactly as a plan says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from facts.installed import InstalledState
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.release import About, Entry
from facts.shim import Shim
from plan.fleet import Observed, plan_fleet
from plan.model import HostPlan
from plan.problems import PlanError, Problem
from tests.unit.observed import RANGE, network, nothing_installed, settings

STARTED = 1_700_000_000


def observed(kind: str = "plain", **data: Any) -> Observed:
    """Return a host of a kind with nothing installed, to be what the data says."""
    secrets = dict.fromkeys(data.get("secrets", {}), "s3cret")
    return Observed(settings(**(RANGE | data)), network(kind), fresh(), secrets)


def fresh() -> InstalledState:
    """Return a host with nothing of the deploy's but the image and every link driver."""
    drivers = frozenset({"macvlan", "ipvlan", "wireguard"})
    return dataclasses.replace(nothing_installed(), image_id="sha256:1", drivers=drivers)


def plan_one(seen: Observed) -> HostPlan:
    return plan_fleet({"h": seen}, {})["h"]


def refusals(
    hosts: Mapping[str, Observed], bystanders: Mapping[str, Any] | None = None
) -> list[Problem]:
    """Return the problems of an inventory, none if it is planned."""
    try:
        plan_fleet(hosts, bystanders or {})
    except PlanError as error:
        return list(error.problems)
    return []


def as_planned(plan: HostPlan) -> InstalledState:
    """Return what is observed on a host that is exactly as planned, and runs."""
    release = {file.path: Entry(content=file.content, mode=file.mode) for file in plan.files}
    release |= {link.path: Entry(target=link.target, mode=0o777) for link in plan.links}
    rules = [rule for chain in plan.rules for rule in chain.rules]
    table = "".join(f'{rule} comment "{plan.rules_config}"\n' for rule in rules)
    shim = None
    if plan.shim is not None:
        shim = Shim(
            interface=plan.shim.interface,
            parent=plan.shim.parent,
            kind=plan.shim.kind,
            mac=plan.shim.mac or "",
            up=True,
            addresses=frozenset({f"{plan.shim.address}/32"}),
            routes=frozenset({f"{plan.shim.container_range} src {plan.shim.address}"}),
        )
    return dataclasses.replace(
        fresh(),
        containers={
            name: Container(
                name, True, one.config, STARTED, 4711, (one.port,) if plan.networks else ()
            )
            for one in plan.instances
            for name in one.containers
        },
        networks={
            one.name: PodmanNetwork(one.name, "bridge", None, (), one.config)
            for one in plan.networks
        },
        secrets={one.name: PodmanSecret(one.name, one.config) for one in plan.secrets},
        units={unit: "active" for one in plan.instances for unit in one.containers.values()}
        | {"onetime-host-network.service": "active", "onetime-firewall.service": "active"},
        links={
            "/etc/onetime/current": "releases/3",
            "/etc/containers/systemd/onetime": "/etc/onetime/current/quadlet",
            "/etc/systemd/system/onetime-host-network.service": (
                "/etc/onetime/current/onetime-host-network.service"
            ),
            "/etc/systemd/system/onetime-firewall.service": (
                "/etc/onetime/current/onetime-firewall.service"
            ),
        },
        releases=dict.fromkeys((1, 2, 3), About("2026-01-01T00:00:00Z", "me@here", "4711")),
        release=release,
        loaded=frozenset({"/etc/onetime/releases/3/quadlet/onetime@.container"}),
        table=table and f"table ip onetime {{\n{table}}}\n",
        forwarding=True,
        published=frozenset(one.port for one in plan.instances if plan.networks),
        shim=shim,
    )
