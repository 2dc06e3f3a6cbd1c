"""What the operator typed: pyinfra makes numbers, lists and truth values of what `--data` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_params: dict[str, Any] = {"data": (), "dry": False}


def remember(params: Mapping[str, Any]) -> None:
    """Remember this run's command line.

    + params: pyinfra's own, by name
    """
    _params.update(data=params["data"], dry=params["dry"])


def typed() -> dict[str, str]:
    """Return what `--data` says, by word, as it was typed; the last value of a word counts."""
    pairs = (text.partition("=") for text in _params["data"])
    return {word: value for word, _, value in pairs}


def is_dry() -> bool:
    """Tell whether nothing is to be done."""
    return bool(_params["dry"])
