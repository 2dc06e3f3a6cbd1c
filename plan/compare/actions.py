"""What a deploy will do to a host, in the order in which it does it, each with its reason."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from facts.installed import InstalledState
from names import INSTANCE, JOB, MOUNTED, SIDECAR
from plan.compare.changes import Changes
from plan.compare.files import FileChange, sha256
from plan.inventory.values import Member
from plan.model import HostPlan, MemberPlan

_ID_LENGTH = 11
_TUNNEL = {f"quadlet/{SIDECAR}@.container", "host/peers", "host/tunnel", "host/tunnel.sh"}


@dataclass(frozen=True)
class Action:
    """One thing that is done to a host.

    + does: what, as an order
    + reason: why, as a clause
    + members: the instances and jobs that it stops or starts
    """

    does: str
    reason: str
    members: tuple[Member, ...] = ()

    def __str__(self) -> str:
        return f"{self.does}: {self.reason}"


def actions(
    plan: HostPlan, installed: InstalledState, changes: Changes, *, commands: bool = False
) -> Iterator[Action]:
    """Yield all that is done to a host; nothing for one that is as it should be.

    + commands: it is the one that runs the release command
    """
    yield from _brought(plan, changes)
    if commands:
        command = shlex.join(plan.settings.release_command or ())
        yield Action(f"run {command}", "once for all hosts, before any of them changes")
    if changes.release is not None and not (changes.restart or changes.jobs or changes.networks):
        yield Action("make a new release", _files(changes))
    if changes.host_network:
        yield Action("set the host's rules, forwarding and shim", _host_network(plan, changes))
    yield from _networks(plan, changes)
    gone: tuple[Member, ...] = (*changes.stop, *changes.stop_jobs)
    if gone:
        yield Action(f"stop {_listed(gone)}", "the inventory no longer has them", gone)
    if changes.sidecars:
        yield Action(f"stop the tunnels of {_listed(changes.sidecars)}", "the mode has none")
    yield from _started(plan, installed, changes)
    if changes.guard:
        yield Action(
            f"guard {_listed(changes.guard)} anew", "the rules inside are not those of the plan"
        )
    if changes.switch and changes.release is None and changes.reload:
        yield Action("have systemd read the release again", "it has not read all of it")


def _brought(plan: HostPlan, changes: Changes) -> Iterator[Action]:
    settings, tunnel = plan.settings, plan.settings.tunnel
    if plan.moved_tag:
        yield Action(f"pull {settings.image}", f"its tag has moved {_way(*plan.moved_tag)}")
    elif changes.image:
        yield Action(f"{changes.image} {settings.image}", "the host does not have it")
    if tunnel and changes.sidecar_image:
        yield Action(f"{changes.sidecar_image} {tunnel.image}", "the host does not have it")
    for secret in changes.secrets:
        yield Action(f"make secret {secret.name}", f"{secret.variable} has a value of its own now")


def _host_network(plan: HostPlan, changes: Changes) -> str:
    paths = [change.path for change in changes.files if change.path.startswith("host/")]
    if not changes.current:
        return f"mode {plan.settings.network_mode} needs them"
    return f"{_listed(paths)} changed" if paths else "the host's own are not those of the release"


def _networks(plan: HostPlan, changes: Changes) -> Iterator[Action]:
    planned = {network.name for network in plan.mode.networks}
    files = {change.path: change for change in changes.files}
    for name in changes.networks:
        change = files.get(f"quadlet/{name}.network")
        if name not in planned:
            yield Action(f"remove network {name}", f"mode {plan.settings.network_mode} has none")
        elif change is not None and change.before is None:
            yield Action(f"make network {name}", "it is new")
        else:
            reason = "its definition changed" if change else "the host's own is not the planned one"
            members = tuple(member.member for member in plan.members)
            together = f", which stops {_listed(members)} together" if members else ""
            yield Action(f"make network {name} anew", f"{reason}{together}", members)


def _started(plan: HostPlan, installed: InstalledState, changes: Changes) -> Iterator[Action]:
    groups: dict[tuple[str, str], list[Member]] = {}
    for member in plan.members:
        if member.member in (*changes.restart, *changes.jobs):
            reason = _reason(member, plan, installed, changes)
            groups.setdefault(reason, []).append(member.member)
    for (verb, cause), names in groups.items():
        yield Action(f"{verb} {_listed(names)}", cause, tuple(names))


def _reason(
    member: MemberPlan, plan: HostPlan, installed: InstalledState, changes: Changes
) -> tuple[str, str]:
    """Return what is done to an instance or job that does not run as planned, and why."""
    name, unit = next(iter(member.containers.items()))
    live = installed.podman.containers.get(name)
    if not changes.current:
        return "start", "the host is new"
    if f"quadlet/{unit.removesuffix('.service')}.container" not in installed.release.entries:
        return "start", "new in the inventory"
    if live is None or not live.running or installed.systemd.units.get(unit) != "active":
        return "start", "it does not run"
    if changes.networks:
        return "start again", "its network is made anew"
    causes = "; ".join(_causes(member.member, plan, installed, changes))
    return "start again", causes or "it does not run from what the release says"


def _causes(
    member: Member, plan: HostPlan, installed: InstalledState, changes: Changes
) -> Iterator[str]:
    """Yield what has changed of that which an instance or job is made from."""
    image, before = plan.settings.image, installed.release.images
    if before and image not in before:
        yield f"image {before[0]} → {image}"
    if changes.moved:
        yield f"image {image}, its name has moved {_way(*changes.moved)}"
    if plan.moved_tag:
        yield f"image {image}, its tag has moved {_way(*plan.moved_tag)}"
    if changes.secrets:
        yield f"secrets {_listed(secret.variable for secret in changes.secrets)}"
    made_from = sorted({text for change in changes.files if (text := _cause(change, member))})
    # The unit's text holds the image's name and the secrets', too.
    if made_from == ["its unit"] and (changes.secrets or (before and image not in before)):
        made_from = []
    if made_from:
        yield f"{_listed(made_from)} changed"


def _cause(change: FileChange, member: Member) -> str:
    """Return what of an instance or job a file of the release makes, empty if nothing."""
    path = change.path
    if path == "environment":
        return "environment"
    if path.startswith(f"{MOUNTED}/"):
        return f"file {path.removeprefix(MOUNTED)}"
    if path.endswith(f"@{member}.container.d/job.conf"):
        return "its command"
    if path == f"quadlet/{JOB if isinstance(member, str) else INSTANCE}@.container":
        return "its unit"
    return "its tunnel" if path in _TUNNEL else ""


def _files(changes: Changes) -> str:
    count = len(changes.files)
    return f"{count} file{'s' if count != 1 else ''} of it changed"


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def _way(before: str, after: str) -> str:
    return " → ".join(it[: 19 if ":" in it else 12] for it in (before, after))


def plan_id(plans: Mapping[str, HostPlan], changes: Mapping[str, Changes]) -> str:
    """Return the name of what a run would do: another as soon as it would do anything else.

    Made from the plans and what was observed; no secret's value goes into it.
    """
    text = [
        (
            host,
            [(file.path, sha256(file.data), file.mode) for file in plan.files],
            [(link.path, link.target) for link in plan.links],
            repr(changes[host]),
        )
        for host, plan in sorted(plans.items())
    ]
    digest = hashlib.sha256(json.dumps(text).encode()).hexdigest()
    # It begins with a letter, or pyinfra would take some of them for numbers.
    return f"p{digest[:_ID_LENGTH]}"
