"""The gates before a host's instances: which are closed, and whether the host is drained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import names
from facts.reading import ScriptFact, filled, script
from facts.text import printable
from facts.values import Readable

# A file that somebody made by hand counts, too.
DRAIN_QUESTION = """
drained() { [ ! -e @DRAINED@ ] || echo "drained $(head -n 1 @DRAINED@)"; }
say drained drained
"""
_QUESTION = rf"""{DRAIN_QUESTION}
ports() {{ ls @CURRENT@/quadlet/ | sed -n 's/^@INSTANCE@@\([0-9][0-9]*\)\.container$/\1/p'; }}
running() {{
  systemctl list-units --plain --no-legend --state=running '@INSTANCE@@*.service' |
    sed -n 's/^@INSTANCE@@\([0-9][0-9]*\)\.service .*/\1/p'
}}
say current readlink @CURRENT@
say program ls @CURRENT@/host/drain.sh
say boot cat @PROC@/sys/kernel/random/boot_id
say tables nft list tables
say ports ports
say running running
"""


@dataclass(frozen=True)
class Drain(Readable):
    """Why no gate of a host opens.

    + since: when it was drained (ISO 8601, UTC)
    + operator: by whom
    + boot: for a reboot, the boot that was to end; else empty
    """

    since: str
    operator: str
    boot: str

    def __str__(self) -> str:
        """Tell it in a few words."""
        return f"drained since {self.since} by {self.operator}{' for a reboot' * bool(self.boot)}"


def parse_drain(text: str) -> Drain | None:
    """Return what the file of a drained host says, if it is there; anything may be in it."""
    if not text:
        return None
    since, operator, boot = [*printable(text.strip(), keep="").split()[1:], "", "", ""][:3]
    return Drain(since or "an unknown time", operator or "nobody known", boot)


def parse_closed(tables: str) -> frozenset[int]:
    """Return the ports with a closed gate, from what `nft list tables` prints."""
    gates = re.findall(rf"^table inet {names.GATE_TABLE_PREFIX}(\d+)$", tables, re.MULTILINE)
    return frozenset(map(int, gates))


@dataclass(frozen=True)
class GatesState(Readable):
    """The gates of a host.

    + current: the release that is live
    + able: whether it can be drained; releases of older versions of the deploy cannot
    + boot: what tells this boot from every other
    + ports: of the release's instances
    + closed: ports before which the gate is closed
    + running: ports of the instances that run
    """

    current: int | None
    able: bool
    drain: Drain | None
    boot: str
    ports: frozenset[int]
    closed: frozenset[int]
    running: frozenset[int]


class Gates(ScriptFact[GatesState]):
    """Read the gates."""

    def command(self) -> str:
        """Return the script; it changes nothing on the host."""
        return script(filled(_QUESTION))

    def read(self, answers: Mapping[str, str]) -> GatesState:
        """Parse the answers; `ValueError` on nonsense."""
        current = re.fullmatch(r"releases/(\d+)\n?", answers["current"])
        boot = answers["boot"].strip()
        if not re.fullmatch(r"[0-9a-f-]{36}", boot):
            raise ValueError(f"the kernel's boot ID is {boot[:40]!a}")
        return GatesState(
            current=int(current[1]) if current else None,
            able=bool(answers["program"]),
            drain=parse_drain(answers["drained"]),
            boot=boot,
            ports=_ports(answers["ports"]),
            closed=parse_closed(answers["tables"]),
            running=_ports(answers["running"]),
        )


def _ports(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split()))
