"""Where the machine that runs pyinfra finds the values of secrets: one function per kind of source.

Each returns what is there as bytes, or raises `ValueError` that says why not and quotes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path

# A password manager may ask its user for something.
_PATIENCE = 120


@cache
def read_source(source: str) -> bytes:
    """Return what a source holds; each is asked once in a run, whatever hosts need it."""
    kind, _, place = source.partition(":")
    return _KINDS[kind](place)


def _env(variable: str) -> bytes:
    try:
        return os.environb[variable.encode()]
    except KeyError:
        raise ValueError("is not set") from None


def _file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def _command(argv: str) -> bytes:
    """Run a program, of which standard output is the value and the rest is the operator's."""
    try:
        done = subprocess.run(
            json.loads(argv), stdout=subprocess.PIPE, timeout=_PATIENCE, check=False
        )
    except OSError as error:
        raise ValueError(f"cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"has not ended within {_PATIENCE} seconds") from None
    if done.returncode != 0:
        raise ValueError(f"ended with exit code {done.returncode}")
    return done.stdout


_KINDS = {"env": _env, "file": _file, "command": _command}
