"""The programs of a release, the same on every host, and the data files that they read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import names
from plan.model import File

_HOST = Path(__file__).parents[2] / "host"
_Value = str | int | tuple[str, ...] | Mapping[str, str]


# The same for every host of a fleet, however many there are.
@cache
def program(name: str) -> File:
    """Return a program, or a part of one, as it is in `host/`."""
    return File(f"host/{name}", (_HOST / name).read_text())


def data_file(name: str, values: Mapping[str, _Value]) -> File:
    """Return the file of that name that programs read values from."""
    lines = [f"{key}={shlex.quote(_text(value))}" for key, value in values.items()]
    return File(f"host/{name}", "".join(f"{line}\n" for line in lines))


@cache
def names_file() -> File:
    """Return everything that `names.py` gives a name to."""
    return data_file("names", {key: getattr(names, key) for key in vars(names) if key.isupper()})


def _text(value: _Value) -> str:
    """Return a value as the shell splits it: words by spaces, pairs by lines."""
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{key} {text}" for key, text in value.items())
    return str(value)
