"""What differs between a host's plan and what is observed on it.

Every comparison is with what can be seen now, never with what an earlier run meant to do, so a run
that was killed anywhere is completed by the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from facts.installed import InstalledState
from facts.release import Entry
from plan.model import CURRENT, HOME, HOST_UNIT, HostPlan, Secret
from plan.problems import PlanError, Problem

LINKS = {
    "/etc/containers/systemd/onetime": f"{CURRENT}/quadlet",
    f"/etc/systemd/system/{HOST_UNIT}": f"{CURRENT}/{HOST_UNIT}",
}


@dataclass(frozen=True)
class FileChange:
    """One file or link of the release that is to appear, change or go; texts are whole."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changes:
    """The smallest set of changes that makes the host what the plan says.

    + image: how the image gets there, if it is not there
    + secrets: those to set; stale_secrets: names of those to remove
    + release: the number of the release to make, if one is to be made
    + previous: the number of the release that is live now, to fall back to; none at first
    + reload: systemd's generated units are not those of the current release
    + stop: ports of instances that left the inventory and still run
    + networks: Podman networks to be made anew or removed, with all instances stopped
    + host_network: the host's rules or shim are not as planned
    + restart: ports of instances that do not run, or not from this configuration
    """

    image: Literal["load", "pull"] | None
    secrets: tuple[Secret, ...]
    stale_secrets: tuple[str, ...]
    files: tuple[FileChange, ...]
    release: int | None
    previous: int | None
    reload: bool
    stop: tuple[int, ...]
    networks: tuple[str, ...]
    host_network: bool
    restart: tuple[int, ...]


def compare(plan: HostPlan, installed: InstalledState) -> Changes:
    """Return what is to be changed; everything is empty on a host that is as it should be."""
    files = _files(plan, installed)
    current = installed.links.get(f"{HOME}/current", "")
    linked = all(installed.links.get(link) == target for link, target in LINKS.items())
    release = max(installed.releases, default=0) + 1 if files or not linked else None
    image: Literal["load", "pull"] | None = None
    if installed.image_id is None:
        image = "load" if plan.settings.image_archive else "pull"
    secrets = tuple(
        secret
        for secret in plan.secrets
        if (there := installed.secrets.get(secret.name)) is None or there.config != secret.config
    )
    networks = _networks(plan, installed)
    return Changes(
        image=image,
        secrets=secrets,
        stale_secrets=tuple(sorted(set(installed.secrets) - {s.name for s in plan.secrets})),
        files=files,
        release=release,
        previous=_current(installed),
        reload=release is not None or not _loaded(installed, f"{HOME}/{current}/"),
        stop=_leftover(plan, installed),
        networks=networks,
        host_network=_host_network(plan, installed),
        restart=tuple(
            instance.port
            for instance in plan.instances
            if networks or secrets or not _runs(instance.container, instance.config, installed)
        ),
    )


def earlier(host: str, installed: InstalledState, wanted: object) -> int:
    """Return the release to go back to; raise `PlanError` where the host does not have it.

    + wanted: the number that the operator asked for, or none for the one before the current
    """
    current = _current(installed)
    there = [number for number in installed.releases if number != current]
    before = [number for number in there if current is not None and number < current]
    if wanted is None and before:
        return before[-1]
    if wanted in there and isinstance(wanted, int):
        return wanted
    seen = "there is none before the current one" if wanted is None else f"{wanted} was asked for"
    listed = ", ".join(map(str, there)) or "no other"
    advice = f"The host keeps {listed}; the current one is {current}"
    raise PlanError([Problem(host, "release", seen, advice)])


def _current(installed: InstalledState) -> int | None:
    match = re.fullmatch(r"releases/(\d+)", installed.links.get(CURRENT, ""))
    return int(match[1]) if match else None


def traces(installed: InstalledState) -> bool:
    """Tell whether the deploy has left anything on the host."""
    return bool(
        installed.links
        or installed.releases
        or installed.secrets
        or installed.table
        or installed.shim
        or any(container.config for container in installed.containers.values())
        or any(network.config for network in installed.networks.values())
    )


def _leftover(plan: HostPlan, installed: InstalledState) -> tuple[int, ...]:
    """Return the ports of this deploy's own instances that run, or try to, and should not."""
    units = [name for name, state in installed.units.items() if state not in {"inactive", "failed"}]
    ours = [c.name for c in installed.containers.values() if c.config is not None]
    ports = {int(m[1]) for name in units if (m := re.fullmatch(r"onetime@(\d+)\.service", name))}
    ports |= {int(m[1]) for name in ours if (m := re.fullmatch(r"onetime-(\d+)", name))}
    return tuple(sorted(ports - {instance.port for instance in plan.instances}))


def _files(plan: HostPlan, installed: InstalledState) -> tuple[FileChange, ...]:
    wanted = {file.path: Entry(content=file.content, mode=file.mode) for file in plan.files}
    wanted |= {link.path: Entry(target=link.target, mode=0o777) for link in plan.links}
    there = dict(installed.release)
    return tuple(
        FileChange(path, _text(there.get(path)), _text(wanted.get(path)))
        for path in sorted(wanted.keys() | there.keys())
        if not _same(there.get(path), wanted.get(path))
    )


def _same(one: Entry | None, two: Entry | None) -> bool:
    if one is None or two is None or one.target is not None or two.target is not None:
        return _text(one) == _text(two)
    return one == two


def _text(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    return entry.content if entry.target is None else f"link to {entry.target}\n"


def _loaded(installed: InstalledState, directory: str) -> bool:
    """Tell whether all of systemd's generated units came from the current release."""
    return bool(installed.loaded) and all(path.startswith(directory) for path in installed.loaded)


def _networks(plan: HostPlan, installed: InstalledState) -> tuple[str, ...]:
    changed = {
        network.name
        for network in plan.networks
        if (live := installed.networks.get(network.name)) is None or live.config != network.config
    }
    ours = {name for name, live in installed.networks.items() if live.config is not None}
    return tuple(sorted(changed | (ours - {network.name for network in plan.networks})))


def _host_network(plan: HostPlan, installed: InstalledState) -> bool:
    rules = sum(len(chain.rules) for chain in plan.rules)
    if installed.units.get(HOST_UNIT) != "active":
        return True
    if installed.table.count(plan.rules_config) != rules or bool(installed.table) != bool(rules):
        return True
    if plan.forward and not installed.forwarding:
        return True
    ours = f'comment "onetime {plan.rules_config}"'
    for barrier in installed.barriers:
        if barrier.count(ours) != len(plan.forward) or barrier.count('"onetime ') != len(
            plan.forward
        ):
            return True
    live = installed.shim
    if plan.shim is None or live is None:
        return (plan.shim is None) != (live is None)
    return not (
        live.up
        and live.interface == plan.shim.interface
        and live.kind == plan.shim.kind
        and live.parent == plan.shim.parent
        and plan.shim.mac in {None, live.mac}
        and live.addresses == {f"{plan.shim.address}/32"}
        and live.routes == {f"{plan.shim.container_range} src {plan.shim.address}"}
    )


def _runs(name: str, config: str, installed: InstalledState) -> bool:
    """Tell whether an instance runs, from this configuration and from the secrets of today."""
    container = installed.containers.get(name)
    unit = f"onetime@{name.removeprefix('onetime-')}.service"
    return (
        container is not None
        and container.running
        and container.config == config
        and installed.units.get(unit) == "active"
        and all(secret.set_at < container.started_at + 1 for secret in installed.secrets.values())
    )
