"""How each change of a host went, the last ones, in one remote command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from facts.reading import ScriptFact, filled, parse_json, script
from facts.values import Readable

# As `host/history.sh` writes them. `from` is a word of Python's.
_ChangeJson = TypedDict(
    "_ChangeJson",
    {
        "at": str,
        "operator": str,
        "from": int,
        "to": int,
        "plan": str,
        "outcome": str,
        "seconds": int,
        "reason": str,
    },
)
_CHANGE: TypeAdapter[Any] = TypeAdapter(_ChangeJson)


@dataclass(frozen=True)
class PastChange(Readable):
    """One change that has ended.

    + at: when (ISO 8601, UTC), and `seconds` how long it took
    + origin, to: the releases; 0 is none
    + plan: the id of what was approved, empty where a change has none
    + outcome: `served`, `went back` or `failed`; `reason` says why it did not serve
    """

    at: str
    operator: str
    origin: int
    to: int
    plan: str
    outcome: str
    seconds: int
    reason: str


class History(ScriptFact[tuple[PastChange, ...]]):
    """Read how changes went, the oldest first."""

    def command(self) -> str:
        """Return the script; it changes nothing on the host."""
        return script(filled("say history cat @HISTORY@\n"))

    def read(self, answers: Mapping[str, str]) -> tuple[PastChange, ...]:
        """Parse the answer; `ValueError` on nonsense."""
        lines = (
            parse_json(_CHANGE, "the history", line) for line in answers["history"].splitlines()
        )
        return tuple(
            PastChange(
                line["at"],
                line["operator"],
                line["from"],
                line["to"],
                line["plan"],
                line["outcome"],
                line["seconds"],
                line["reason"],
            )
            for line in lines
        )
