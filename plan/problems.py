"""What is wrong with an inventory, in the operator's words, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from facts.text import printable

# A list of ports or hosts has room in it; a value that somebody pasted has not.
_LONGEST = 600


@dataclass(frozen=True)
class Problem:
    """One thing that keeps the deploy from starting: where it is, what was seen, what to do."""

    host: str
    key: str
    observation: str
    advice: str

    def __str__(self) -> str:
        parts = map(_bounded, (self.host, self.key, self.observation, self.advice))
        return "{}: {}: {}. {}.".format(*parts)


def _bounded(text: str) -> str:
    """Return text that may hold anything as an operator can read it, on one line of some length."""
    shown = printable(text)
    half = _LONGEST // 2
    return shown if len(shown) <= _LONGEST else f"{shown[:half]} … {shown[-half:]}"


class PlanError(Exception):
    """Raised with every problem found, before anything is touched."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        count = len(self.problems)
        title = f"{count} problem{'s' if count > 1 else ''}; nothing was changed"
        super().__init__("\n".join([title, *(f"  - {problem}" for problem in self.problems)]))


class Problems:
    """Collects what is wrong with one host.

    + keys: other names for settings, such as the environment variable that overrode one
    """

    def __init__(self, host: str, keys: Mapping[str, str] | None = None) -> None:
        self.host = host
        self.keys = keys or {}
        self.collected: list[Problem] = []

    def add(self, key: str, observation: str, advice: str) -> None:
        """Collect a problem."""
        self.collected.append(Problem(self.host, self.keys.get(key, key), observation, advice))

    def error(self, key: str, observation: str, advice: str) -> PlanError:
        """Return the error to raise for all that was collected and, last, this."""
        self.add(key, observation, advice)
        return PlanError(self.collected)

    def stop(self) -> None:
        """Raise `PlanError` if anything was collected."""
        if self.collected:
            raise PlanError(self.collected)
