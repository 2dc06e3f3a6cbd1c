"""How the changes of all hosts of a run went, in the order of time."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import NoReturn

import gevent
from pyinfra import logger
from pyinfra.api import Host, State
from pyinfra.context import ctx_host
from rich.console import Console
from rich.table import Table

from facts.history import History, PastChange
from facts.text import printable
from rollout.fleet import unreachable
from rollout.observe import read_fact
from rollout.turn import take_turn

# Of the JSON lines; another number means that fields went or changed their meaning.
_SCHEMA = 1
_ALL_ANSWERED, _NOT_ALL = 0, 1


def tell(state: State, host: Host) -> NoReturn:
    """Print the changes of all hosts and end the run: with 0 if each host has answered.

    As JSON lines with `--data format=json`.
    """
    take_turn()
    hosts = list(state.inventory.get_active_hosts())
    jobs = {member.name: gevent.spawn(_ask, member) for member in hosts}
    gevent.joinall(list(jobs.values()), raise_error=True)
    changes = sorted(
        ((change.at, name, change) for name, job in jobs.items() for change in job.value or ()),
        key=lambda entry: entry[:2],
    )
    if host.data.get("format") == "json":
        for _, name, change in changes:
            print(json.dumps({"schema": _SCHEMA, "host": name, **dataclasses.asdict(change)}))
    else:
        _print([(name, change) for _, name, change in changes])
    sys.stdout.flush()
    missing = unreachable(state)
    for problem in missing:
        logger.error("%s", problem)
    silent = missing or any(job.value is None for job in jobs.values())
    sys.exit(_NOT_ALL if silent else _ALL_ANSWERED)


def _ask(host: Host) -> tuple[PastChange, ...] | None:
    with ctx_host.use(host):
        changes: tuple[PastChange, ...] | None = read_fact(host, History)
        return changes


def _print(changes: list[tuple[str, PastChange]]) -> None:
    # A terminal that is narrower wraps lines, which loses nothing.
    console = Console(highlight=False, width=200)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("at", "host", "operator", "from", "to", "plan", "outcome", "seconds", "reason"):
        table.add_column(column)
    for name, change in changes:
        cells = (
            change.at,
            name,
            change.operator,
            str(change.origin or "none"),
            str(change.to),
            change.plan,
            change.outcome,
            str(change.seconds),
            change.reason,
        )
        table.add_row(*map(printable, cells))
    if changes:
        console.print(table, markup=False)
    else:
        console.print("no change is on record")
