"""The map of the network: written as one page, from the plans and what runs."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from pyinfra import logger
from pyinfra.api import Host, State

from facts.text import printable
from plan.compare.changes import compare
from plan.compare.status import findings, rows
from plan.map.hosts import MapHost
from plan.map.page import page
from plan.neighbours import claims
from rollout.fleet import Attempt, try_all
from rollout.live import Live, ask
from rollout.turn import take_turn

_FILE = "map.html"
_WRITTEN, _FAILED = 0, 1
_READABLE = 0o644


def draw(state: State, host: Host) -> NoReturn:
    """Write the map of all hosts of the run, print its path and end the run.

    pyinfra comes here for each host; the first does it for all. `--data file=PATH` names the file.
    An inventory that cannot be deployed has a map all the same, with what is wrong with it.
    """
    take_turn()
    path = Path(str(host.data.get("file") or _FILE))
    attempt = try_all(state, "file")
    live = ask(state, attempt.plans)
    hosts = [_host(name, attempt, live.get(name)) for name in sorted(attempt.settings)]
    try:
        _write(path, page(hosts, list(dict.fromkeys(map(str, attempt.problems)))))
    except OSError as error:
        logger.error(
            "file: %s cannot be written: %s. Name another with --data file=PATH.",
            printable(str(path)),
            error.strerror,
        )
        sys.exit(_FAILED)
    print(printable(str(path)), flush=True)
    sys.exit(_WRITTEN)


def _host(name: str, attempt: Attempt, live: Live | None) -> MapHost:
    """Return a host for the map, with what is known of it."""
    plan, observed = attempt.plans.get(name), attempt.observed.get(name)
    if plan is None or observed is None:
        return MapHost(name, attempt.settings[name])
    if live is None:
        finding = "it does not say what runs"
        return MapHost(name, plan.settings, plan, (), (finding,), observed.answering)
    running, answering = live
    changes = compare(plan, observed.installed)
    sentences = (*claims(plan, answering), *findings(plan, observed, running, changes))
    table = tuple(rows(plan, observed, running, changes))
    return MapHost(name, plan.settings, plan, table, sentences, {**observed.answering, **answering})


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all; raises `OSError`."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(_READABLE)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
