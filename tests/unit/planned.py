"""Whole plans, and hosts that are exactly as a plan says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from facts.installed import InstalledState
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.release import About, Entry
from facts.shim import Shim
from plan.compare.files import sha256
from plan.fleet import plan_fleet
from plan.model import HostPlan
from plan.observed import Observed
from plan.problems import PlanError, Problem
from tests.unit.observed import RANGE, network, nothing_installed, settings


def observed(kind: str = "plain", **data: Any) -> Observed:
    """Return a host of a kind with nothing installed, to be what the data says."""
    secrets = dict.fromkeys(data.get("secrets", {}), "s3cret")
    return Observed(settings(**(RANGE | data)), network(kind), fresh(), secrets)


def fresh() -> InstalledState:
    """Return a host with nothing of the deploy's but the image and every link driver."""
    return altered(
        nothing_installed(),
        images={settings().image: "sha256:1"},
        kernel_links=frozenset({"macvlan", "ipvlan", "wireguard"}),
        controllers=frozenset({"cpu", "memory", "pids"}),
    )


def altered(state: InstalledState, **fields: Any) -> InstalledState:
    """Return the state with other values in some fields, whichever part they are in.

    `links` and `rules` are systemd's and the firewall's; `kernel_links` are the kernel's.
    """
    for field, value in fields.items():
        part, name = PARTS.get(field, (None, field))
        if part is None:
            state = dataclasses.replace(state, **{field: value})
        else:
            changed = dataclasses.replace(getattr(state, part), **{name: value})
            state = dataclasses.replace(state, **{part: changed})
    return state


PARTS = {
    **{
        name: ("podman", name)
        for name in ("version", "images", "containers", "networks", "unguarded")
    },
    **{name: ("systemd", name) for name in ("units", "links", "loaded", "foreign")},
    **{
        name: ("release", name) for name in ("kept", "marks", "entries", "drop_ins", "secret_lines")
    },
    **{
        name: ("firewall", name)
        for name in ("barriers", "unseen", "rules", "translated", "trusted")
    },
    **{
        name: ("kernel", name)
        for name in ("root", "forwarding", "router", "controllers", "space", "inodes")
    },
    "secrets": ("podman", "secrets"),
    "release_images": ("release", "images"),
    "kernel_links": ("kernel", "links"),
}


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


def lines(hosts: Mapping[str, Observed], bystanders: Mapping[str, Any] | None = None) -> list[str]:
    """Return the problems of an inventory as an operator reads them."""
    return [str(problem) for problem in refusals(hosts, bystanders)]


def as_planned(plan: HostPlan) -> InstalledState:
    """Return what is observed on a host that is exactly as planned, and runs."""
    entries = {file.path: Entry(digest=sha256(file.data), mode=file.mode) for file in plan.files}
    entries |= {link.path: Entry(target=link.target) for link in plan.links}
    texts = {file.path: file.content for file in plan.files}
    planned_shim = plan.mode.shim
    shim = None
    if planned_shim is not None:
        shim = Shim(
            interface=planned_shim.link.interface,
            parent=planned_shim.parent,
            kind=planned_shim.link.kind,
            mac=planned_shim.mac or "",
            up=True,
            addresses=frozenset({f"{planned_shim.address}/32"}),
            routes=frozenset({f"{planned_shim.container_range} src {planned_shim.address}"}),
        )
    return altered(
        fresh(),
        containers={
            name: Container(name, True, one.config)
            for one in plan.members
            for name in one.containers
        },
        networks={one.name: PodmanNetwork(one.name, (), one.config) for one in plan.mode.networks},
        secrets={one.name: PodmanSecret(one.name, one.config) for one in plan.secrets},
        units={unit: "active" for one in plan.members for unit in one.containers.values()}
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
            "/etc/systemd/system/onetime-switch.service": (
                "/etc/onetime/switch/onetime-switch.service"
            ),
            "/etc/containers/containers.conf.d/onetime.conf": (
                "/etc/onetime/current/containers.conf"
            ),
        },
        kept=dict.fromkeys((1, 2, 3), About("2026-01-01T00:00:00Z", "me@here", "4711")),
        marks=dict.fromkeys((1, 2, 3), "served"),
        release_images=(plan.settings.image,),
        entries=entries,
        drop_ins={
            path: "".join(f"{line}\n" for line in text.splitlines() if line.startswith("Network="))
            for path, text in texts.items()
            if path.endswith("/address.conf")
        },
        secret_lines=tuple(
            line
            for path, text in texts.items()
            if path.startswith("quadlet/")
            for line in text.splitlines()
            if line.startswith("Secret=")
        ),
        loaded=frozenset({"/etc/onetime/releases/3/quadlet/onetime@.container"}),
        rules={
            f"ip onetime {chain.name}": (plan.rules_config,) * len(chain.rules)
            for chain in plan.mode.chains
        },
        forwarding=True,
        shim=shim,
    )
