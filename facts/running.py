"""What runs on a host right now, since when, and whether anything is under way: one command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from facts.gates import DRAIN_QUESTION, Drain, parse_closed, parse_drain
from facts.reading import ScriptFact, filled, parse_json, script
from facts.values import Readable

_QUESTION = r"""
say units systemctl show --timestamp=unix \
  --property=Id,ActiveState,NRestarts,ActiveEnterTimestamp \
  '@INSTANCE@@*.service' '@SIDECAR@@*.service' '@JOB@@*.service'
say containers podman ps --all --format json --filter 'name=^@INSTANCE@-'
say tables nft list tables
say lock cat @LOCK@
say switching cat @SWITCHING@
say clock date +%s
"""


class _ContainerJson(TypedDict):
    Names: Annotated[list[str], Field(min_length=1)]
    Image: str
    Status: NotRequired[str | None]


_CONTAINERS = TypeAdapter(list[_ContainerJson])


@dataclass(frozen=True)
class RunningUnit(Readable):
    """A unit of an instance or sidecar.

    + state: active, activating, failed, … as systemd says
    + restarts: how often systemd has started it anew by itself
    + seconds: since when it is active; none if it is not
    """

    state: str
    restarts: int
    seconds: int | None


@dataclass(frozen=True)
class RunningContainer(Readable):
    """A container: the image's name, and its health as Podman tells it, empty without one."""

    image: str
    health: str


@dataclass(frozen=True)
class RunningState(Readable):
    """What runs, and what is under way.

    + closed: ports before which the gate is closed
    + holder: who holds the lock
    + change: the two releases that an unfinished change is between
    + drain: why no gate opens, if that is so
    """

    units: Mapping[str, RunningUnit]
    containers: Mapping[str, RunningContainer]
    closed: frozenset[int]
    holder: str | None
    change: tuple[int, int] | None
    drain: Drain | None = None


class Running(ScriptFact[RunningState]):
    """Read what runs."""

    def command(self) -> str:
        """Return the script; it changes nothing on the host."""
        return script(filled(_QUESTION + DRAIN_QUESTION))

    def read(self, answers: Mapping[str, str]) -> RunningState:
        """Parse the answers; `ValueError` on nonsense."""
        words = dict(re.findall(r"^(from|to)=(\d+)$", answers["switching"], re.MULTILINE))
        return RunningState(
            units=_units(answers["units"], int(answers["clock"])),
            containers={
                item["Names"][0]: RunningContainer(item["Image"], _health(item.get("Status") or ""))
                for item in parse_json(_CONTAINERS, "podman ps", answers["containers"])
            },
            closed=parse_closed(answers["tables"]),
            holder=answers["lock"].partition(" ")[0].strip() or None,
            change=(int(words["from"]), int(words["to"])) if len(words) > 1 else None,
            drain=parse_drain(answers["drained"]),
        )


def _units(text: str, clock: int) -> dict[str, RunningUnit]:
    units = {}
    for block in text.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if fields:
            since = fields.get("ActiveEnterTimestamp", "").removeprefix("@")
            active = fields["ActiveState"] == "active" and since.isdecimal()
            units[fields["Id"]] = RunningUnit(
                state=fields["ActiveState"],
                restarts=int(fields["NRestarts"]),
                seconds=max(0, clock - int(since)) if active else None,
            )
    return units


def _health(status: str) -> str:
    """Return what `podman ps` says in brackets: healthy, unhealthy, starting."""
    match = re.search(r"\((\w+)\)$", status)
    return match[1] if match else ""
