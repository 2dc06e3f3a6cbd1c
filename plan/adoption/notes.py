"""What could not be told, or is to be known of a word: sentences that become comments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from plan.inventory.settings import Settings

_SHAPES: dict[str, Any] = get_type_hints(Settings, include_extras=True)
# What concerns no single word.
GENERAL = ""


class Notes:
    """Collects sentences by word, each once."""

    def __init__(self, remarks: Iterable[str] = ()) -> None:
        self.by_word: dict[str, list[str]] = {GENERAL: list(remarks)}

    def add(self, word: str, sentence: str) -> None:
        """Collect a sentence."""
        sentences = self.by_word.setdefault(word, [])
        if sentence not in sentences:
            sentences.append(sentence)

    def accepted(self, word: str, value: Any, source: str) -> bool:
        """Tell whether the deploy takes a value for a word; note why not.

        + source: where the value stands
        """
        try:
            TypeAdapter(_SHAPES[word]).validate_python(value, strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            self.add(word, f"what {source} says cannot be used: it {reason}")
            return False
        return True
