"""A path as an operator follows it: hop by hop, what is expected and what was observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["ok", "broken", "unknown", "not reached"]


@dataclass(frozen=True)
class Hop:
    """One thing that a packet needs.

    + command: what shows the same on the host
    + cause: a code that stays, by which troubleshooting.md tells more
    + mend: a command, or a word of the inventory
    """

    name: str
    expected: str
    observed: str
    verdict: Verdict
    command: str = ""
    cause: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Trail:
    """One path of one instance or job of a host."""

    host: str
    member: str
    path: str
    hops: tuple[Hop, ...]

    @property
    def title(self) -> str:
        """What it is called among others."""
        return " ".join(filter(None, (self.host, self.member, self.path)))

    @property
    def broken(self) -> Hop | None:
        """The first hop that is broken, if any: what comes after it cannot be judged."""
        return next((hop for hop in self.hops if hop.verdict == "broken"), None)


@dataclass
class Walk:
    """Collects hops in the order of the way; behind a break nothing is judged any more."""

    hops: list[Hop] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether a hop is broken."""
        return any(hop.verdict == "broken" for hop in self.hops)

    def hop(
        self,
        name: str,
        *,
        expected: str,
        observed: str,
        whole: bool | None,
        command: str = "",
        cause: str = "",
        mend: str = "",
    ) -> None:
        """Add a hop.

        + whole: whether it is as expected, none if that cannot be told
        """
        verdict: Verdict = "unknown" if whole is None else "ok" if whole else "broken"
        if self.ended:
            verdict, observed = "not reached", ""
        remedy = (cause, mend) if verdict == "broken" else ("", "")
        self.hops.append(Hop(name, expected, observed, verdict, command, *remedy))
