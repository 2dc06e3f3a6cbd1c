"""What is wrong with an inventory, in the operator's words, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that keeps the deploy from starting: where it is, what was seen, what to do."""

    host: str
    key: str
    seen: str
    advice: str

    def __str__(self) -> str:
        return f"{self.host}: {self.key}: {self.seen}. {self.advice}."


class PlanError(Exception):
    """Raised with every problem found, before anything is touched."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        count = len(self.problems)
        title = f"{count} problem{'s' if count > 1 else ''}; nothing was changed"
        super().__init__("\n".join([title, *(f"  - {problem}" for problem in self.problems)]))
