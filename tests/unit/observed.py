"""Hosts to plan for: what fixtures of real hosts say, and settings with a few words changed."""

from __future__ import annotations

import re
import runpy
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from facts.installed import Installed, InstalledState
from facts.network import HostNetwork, Network
from facts.reading import decode
from plan.inventory.reading import read
from plan.inventory.settings import Settings
from tests.unit.kernel import answers_text

FIXTURES = Path(__file__).parents[1] / "fixtures"
PROC = FIXTURES / "proc"
KINDS = sorted(path.name for path in PROC.iterdir())
FILES = ("route", "dev", "fib_trie", "tcp", "tcp6", "up")

GROUP_DATA: dict[str, Any] = {
    key: value
    for key, value in runpy.run_path(str(FIXTURES.parents[1] / "group_data/all.py")).items()
    if not key.startswith("_")
}
# Of no app in particular: what the real one needs has tests of its own.
DEFAULTS = GROUP_DATA | {"image": "localhost/onetime-lab:1"}
RANGE = {"container_range": "10.0.0.128/27"}


def proc_text(kind: str, name: str) -> str:
    return (PROC / kind / name).read_bytes().decode()


def proc_answers(kind: str, database: str | None = None) -> dict[str, str]:
    """Return what a host of this kind answers to the Network fact."""
    answers = {name: proc_text(kind, name) for name in FILES}
    return answers | {"resolved": f"{database} STREAM maindb\n" if database else ""}


def network(kind: str, database: str | None = "10.0.0.10") -> HostNetwork:
    return Network().process(answers_text(proc_answers(kind, database)))


def installed_lines(kind: str) -> list[str]:
    """Return what a host of this kind answers to the Installed fact.

    A question that is newer than the capture gets no answer, like a command that is not there.
    """
    answers = decode((FIXTURES / "installed" / kind).read_text().splitlines())
    asked = re.findall(r"^say (\S+)", Installed().command([]), re.MULTILINE)
    return answers_text(dict.fromkeys(asked, "") | answers)


def nothing_installed() -> InstalledState:
    return Installed().process(installed_lines("plain"))


def settings(
    host: str = "plain", environ: Mapping[str, str] | None = None, /, **data: Any
) -> Settings:
    return read(host, DEFAULTS | data, environ or {})


def address(text: str) -> IPv4Address:
    return IPv4Address(text)
