"""The variables that containers get: their names, what they hold, and where secrets come from."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Annotated

from pydantic import BeforeValidator

# Names become those of Podman secrets, which are names of files.
_LONGEST_NAME = 200
# Podman reads the environment file by lines of less than 64 KiB; the kernel passes a program one
# variable of at most 128 KiB, its end included, and less than 2 MiB of them together.
_LONGEST_LINE = (64 << 10) - 2
LONGEST_VARIABLE = (128 << 10) - 1
_LARGEST_ENVIRONMENT = 3 << 19


def _variables(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be a dictionary of variables")  # noqa: TRY004
    for name, text in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"must hold variable names, and {str(name)[:40]!a} is none")
        if len(name) > _LONGEST_NAME:
            raise ValueError(
                f"must hold names of at most {_LONGEST_NAME} characters, and {name[:40]}… has "
                f"{len(name)}"
            )
        if not isinstance(text, str) or not text.isprintable():
            raise ValueError(
                f"must hold printable text on one line, and the value of {name} is not"
            )
        if name == "PORT":
            raise ValueError("must leave PORT out: the app is given container_port under that name")
    return value


def _environment(value: object) -> object:
    checked = _variables(value)
    assert isinstance(checked, dict)  # noqa: S101 - for the type checker
    sizes = {name: len(f"{name}={text}".encode()) for name, text in checked.items()}
    for name, size in sizes.items():
        if size > _LONGEST_LINE:
            raise ValueError(
                f"must hold variables of less than 64 KiB, and {name} has {size} bytes; "
                "a file that is mounted has no such limit"
            )
    if (total := sum(sizes.values())) > _LARGEST_ENVIRONMENT:
        raise ValueError(f"must hold less than 1.5 MiB, which the kernel passes on, not {total}")
    return checked


_PLACE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+")
_SOURCE = 'env:VARIABLE, file:/path or command:["program", "argument"]'


def _is_source(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    kind, _, place = value.partition(":")
    if kind != "command":
        return bool(_PLACE.fullmatch(value))
    with suppress(ValueError):
        argv = json.loads(place)
        return isinstance(argv, list) and bool(argv) and all(isinstance(it, str) for it in argv)
    return False


def _source(value: object) -> object:
    if not _is_source(value):
        raise ValueError(f"must be {_SOURCE}")
    return value


def _sources(value: object) -> object:
    checked = _variables(value)
    assert isinstance(checked, dict)  # noqa: S101 - for the type checker
    for name, source in checked.items():
        if not _is_source(source):
            raise ValueError(f"must say {_SOURCE} for each, and {name} does not")
    return value


Variables = Annotated[dict[str, str], BeforeValidator(_environment)]
Source = Annotated[str, BeforeValidator(_source)]
Sources = Annotated[dict[str, str], BeforeValidator(_sources)]
