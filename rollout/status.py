"""What runs on every host of a run: asked all at once, told as one table, judged by the plan."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from pyinfra.api import Host, State
from rich.console import Console
from rich.table import Table

from plan.compare.changes import compare
from plan.compare.status import Row, findings, rows
from plan.neighbours import claims
from plan.problems import PlanError
from rollout.fleet import plan_all
from rollout.live import ask
from rollout.turn import take_turn

# Of the JSON lines; another number means that fields went or changed their meaning.
_SCHEMA = 1
_AS_IT_SHOULD_BE, _NOT_SO = 0, 1
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Status:
    """What runs, and what is not as the inventory says, a sentence each."""

    rows: tuple[Row, ...]
    findings: tuple[str, ...]


def tell(state: State, host: Host) -> NoReturn:
    """Print the status of all hosts of the run and end it: with 0 if all is as the inventory says.

    pyinfra comes here for each host; the first does it for all. As JSON lines with
    `--data format=json`.
    """
    take_turn()
    status = _read(state)
    if host.data.get("format") == "json":
        _print_json(status)
    else:
        _print_table(status)
    sys.stdout.flush()
    sys.exit(_NOT_SO if status.findings else _AS_IT_SHOULD_BE)


def _read(state: State) -> Status:
    try:
        plans, observed = plan_all(state, "format")
    except PlanError as error:
        return Status((), tuple(map(str, error.problems)))
    running = ask(state, plans)
    table: list[Row] = []
    sentences: list[str] = []
    for name, plan in plans.items():
        if (answer := running.get(name)) is None:
            sentences.append(f"{name}: it does not say what runs")
            continue
        live, answering = answer
        sentences += [f"{name}: {text}" for text in claims(plan, answering)]
        changes = compare(plan, observed[name].installed)
        table += rows(plan, observed[name], live, changes)
        sentences += [f"{name}: {text}" for text in findings(plan, observed[name], live, changes)]
    return Status(tuple(table), tuple(sentences))


def _print_json(status: Status) -> None:
    for row in status.rows:
        print(json.dumps({"schema": _SCHEMA, **dataclasses.asdict(row)}))
    for text in status.findings:
        print(json.dumps({"schema": _SCHEMA, "finding": text}))


def _print_table(status: Status) -> None:
    # A terminal that is narrower wraps lines, which loses nothing.
    console = Console(highlight=False, width=250)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown = [column for column in _COLUMNS if any(getattr(row, column) for row in status.rows)]
    for column in shown:
        table.add_column(_COLUMNS[column], no_wrap=True)
    last = ""
    for row in status.rows:
        table.add_row(*_cells(row, shown, repeated=row.host == last))
        last = row.host
    if status.rows:
        console.print(table)
    for text in status.findings:
        console.print(text, markup=False)
    if not status.findings:
        console.print("all as the inventory says")


_COLUMNS = {
    "host": "host",
    "mode": "mode",
    "interface": "card",
    "container_range": "range",
    "instance": "port",
    "kind": "kind",
    "published": "published",
    "address": "container",
    "health": "health",
    "seconds": "since",
    "restarts": "restarts",
    "image": "image",
    "release": "release",
    "drift": "drift",
}
_ONCE = {"host", "mode", "interface", "container_range"}


def _cells(row: Row, columns: Iterable[str], *, repeated: bool) -> list[str]:
    """Return a row's cells; what is the host's is told in its first row alone."""
    cells = []
    for column in columns:
        value = getattr(row, column)
        if repeated and column in _ONCE:
            value = ""
        elif column == "seconds":
            value = "" if value is None else duration(value)
        elif column == "restarts":
            value = value or ""
        elif column == "image":
            value = value.rpartition("/")[2]
        cells.append(str(value))
    return cells


def duration(seconds: int) -> str:
    """Return a time in its largest unit that is not none: 12s, 5m, 3h, 9d."""
    for size, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= size:
            return f"{seconds // size}{name}"
    return f"{seconds}s"
