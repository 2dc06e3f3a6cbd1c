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
from plan.firewall import republished, watched
from plan.host_side import host_side_differs
from plan.model import CURRENT, HOME, LINKS, SIDECAR, HostPlan, InstancePlan, Secret
from plan.problems import PlanError, Problem

# What the host's network unit runs. Their text decides, as the rules in them may say more than
# can be compared with what is live.
HOST_NETWORK_FILES = {"rules.nft", "host-network.sh"}

How = Literal["load", "pull"] | None


@dataclass(frozen=True)
class FileChange:
    """One file or link of the release that is to appear, change or go; texts are whole."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changes:
    """The smallest set of changes that makes the host what the plan says.

    + image, sidecar_image: how each image gets there, if it is not there
    + secrets: those to make
    + release: the number of the release to make, if one is to be made
    + current: the number of the release that is live now; none at first
    + reload: systemd's units are not those of the current release, or the firewall's not started
    + stop: ports of instances that left the inventory and still run
    + sidecars: ports whose sidecars still run and have no place any more
    + networks: Podman networks to be made anew or removed, with all instances stopped
    + host_network: the host's rules or shim are not as planned
    + republish: containers that run on while the rules for their ports are gone
    + restart: ports of instances that do not run, or not from this configuration
    """

    image: How
    sidecar_image: How
    secrets: tuple[Secret, ...]
    files: tuple[FileChange, ...]
    release: int | None
    current: int | None
    reload: bool
    stop: tuple[int, ...]
    sidecars: tuple[int, ...]
    networks: tuple[str, ...]
    host_network: bool
    republish: tuple[str, ...]
    restart: tuple[int, ...]

    @property
    def switch(self) -> tuple[int, int] | None:
        """The releases that the host is to change between, the same one twice to repair it."""
        to = self.release or self.current
        due = (
            self.reload,
            self.stop,
            self.sidecars,
            self.networks,
            self.host_network,
            self.republish,
            self.restart,
        )
        return (self.current or 0, to) if to is not None and any(due) else None

    @property
    def any(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self.image or self.sidecar_image or self.secrets or self.switch)

    def told(self) -> str:
        """Return what the switch does to what runs, in a few words; empty if it does nothing."""
        parts = (
            ("stop", self.stop),
            ("stop the tunnel of", self.sidecars),
            ("make the networks", self.networks),
            ("set the host's rules and shim", self.host_network and ("",)),
            ("restore the ports of", self.republish),
            ("start", self.restart),
        )
        return "; ".join(
            f"{verb} {', '.join(map(str, what))}".strip() for verb, what in parts if what
        )


def compare(plan: HostPlan, installed: InstalledState) -> Changes:
    """Return what is to be changed; everything is empty on a host that is as it should be."""
    files = _files(plan, installed)
    directory = f"{HOME}/{installed.links.get(CURRENT, '')}/"
    linked = all(installed.links.get(link) == target for link, target in LINKS.items())
    release = max(installed.releases, default=0) + 1 if files or not linked else None
    tunnel = plan.settings.tunnel
    secrets = tuple(secret for secret in plan.secrets if secret.name not in installed.secrets)
    networks = _networks(plan, installed)
    restart = tuple(
        instance.port for instance in plan.instances if networks or not _runs(instance, installed)
    )
    return Changes(
        image=_how(installed.image_id, plan.settings.image_archive),
        sidecar_image=_how(installed.sidecar_image_id, tunnel.image_archive) if tunnel else None,
        secrets=secrets,
        files=files,
        release=release,
        current=_current(installed),
        reload=release is not None or not _loaded(installed, directory) or not watched(installed),
        stop=_leftover("onetime", {one.port for one in plan.instances}, installed),
        sidecars=_leftover(SIDECAR, {one.port for one in plan.instances if one.sidecar}, installed),
        networks=networks,
        host_network=any(change.path in HOST_NETWORK_FILES for change in files)
        or host_side_differs(plan, installed),
        republish=republished(
            plan, installed, [one for one in plan.instances if one.port not in restart]
        ),
        restart=restart,
    )


def earlier(host: str, installed: InstalledState, wanted: object) -> tuple[int, int]:
    """Return the current release and the one to go back to.

    Raises `PlanError` where the host does not have it.

    + wanted: the number that the operator asked for, or none for the one before the current
    """
    current = _current(installed)
    there = [number for number in installed.releases if number != current]
    before = [number for number in there if current is not None and number < current]
    if current is not None and wanted is None and before:
        return current, before[-1]
    if current is not None and wanted in there and isinstance(wanted, int):
        return current, wanted
    seen = "there is none before the current one" if wanted is None else f"{wanted} was asked for"
    listed = "; ".join(f"{number} ({installed.releases[number]})" for number in there)
    advice = f"The host keeps {listed or 'no other'}; the current one is {current}"
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


def _leftover(name: str, wanted: set[int], installed: InstalledState) -> tuple[int, ...]:
    """Return the ports of the deploy's own containers that run, or try to, and should not.

    + name: what the containers are called, but for the port
    """
    units = [unit for unit, state in installed.units.items() if state not in {"inactive", "failed"}]
    ours = [c.name for c in installed.containers.values() if c.config is not None]
    of_ours = re.compile(rf"{name}(?:@(\d+)\.service|-(\d+))")
    ports = {int(m[1] or m[2]) for one in units + ours if (m := of_ours.fullmatch(one))}
    return tuple(sorted(ports - wanted))


def _how(there: str | None, archive: str | None) -> How:
    if there is not None:
        return None
    return "load" if archive else "pull"


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


def _runs(instance: InstancePlan, installed: InstalledState) -> bool:
    """Tell whether an instance runs, with its sidecar, and from this configuration."""
    return all(
        (container := installed.containers.get(name)) is not None
        and container.running
        and container.config == instance.config
        and installed.units.get(unit) == "active"
        for name, unit in instance.containers.items()
    )
