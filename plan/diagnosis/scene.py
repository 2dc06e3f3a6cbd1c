"""All that a diagnosis is made from, of one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from facts.paths import PathAnswer
from facts.running import RunningState
from facts.way import WayState
from plan.compare.changes import Changes
from plan.model import HostPlan
from plan.observed import Observed


@dataclass(frozen=True)
class Scene:
    """What is planned, what is observed, and what was answered.

    + answers: what came back on each path, by port; none where nothing was asked
    + answering: who on the LAN answers for an address, as a MAC; none where nobody was asked
    """

    plan: HostPlan
    observed: Observed
    changes: Changes
    running: RunningState
    way: WayState
    answers: tuple[PathAnswer, ...] | None = None
    answering: Mapping[IPv4Address, str] | None = None

    def answer(self, port: int, path: str) -> PathAnswer | None:
        """Return what came back on a path of an instance, if it was asked."""
        return next(
            (it for it in self.answers or () if (it.port, it.path) == (port, path)),
            None,
        )
