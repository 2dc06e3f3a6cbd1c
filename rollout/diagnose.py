"""Where packets die, on every host of a run: all hosts are asked at once, each path is judged."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import gevent
from pyinfra.api import Host, State
from pyinfra.context import ctx_host
from rich.console import Console
from rich.table import Table

from facts.neighbours import Neighbours
from facts.paths import Paths
from facts.running import Running
from facts.text import printable
from facts.way import Way
from plan.compare.changes import compare
from plan.compare.verdicts import question
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Trail
from plan.diagnosis.trails import trails, verdicts
from plan.model import HostPlan
from plan.neighbours import claimable
from plan.observed import Observed
from rollout.fleet import try_all
from rollout.observe import read_fact
from rollout.turn import take_turn

# Of the JSON lines; another number means that fields went or changed their meaning.
_SCHEMA = 1
_WHOLE, _BROKEN = 0, 1


@dataclass(frozen=True)
class Diagnosis:
    """What was found: the paths, and what kept hosts from being looked at, a sentence each."""

    trails: tuple[Trail, ...]
    problems: tuple[str, ...]

    @property
    def broken(self) -> tuple[Trail, ...]:
        """The paths on which packets die."""
        return tuple(trail for trail in self.trails if trail.broken)


def tell(state: State, host: Host) -> NoReturn:
    """Print where packets die and end the run: with 0 if no path is broken.

    pyinfra comes here for each host; the first does it for all. `--data ask=1` sends a few packets
    along each path; without it this only reads. As JSON lines with `--data format=json`.
    """
    take_turn()
    diagnosis = _diagnose(state, asks=bool(host.data.get("ask")))
    if host.data.get("format") == "json":
        for line in _json(diagnosis):
            print(line)
    else:
        _print_text(diagnosis)
    sys.stdout.flush()
    sys.exit(_BROKEN if diagnosis.broken or diagnosis.problems else _WHOLE)


def _diagnose(state: State, *, asks: bool) -> Diagnosis:
    attempt = try_all(state, "format", "ask")
    hosts = {host.name: host for host in state.inventory.get_active_hosts()}
    jobs = {
        name: gevent.spawn(_look, hosts[name], plan, attempt.observed[name], asks=asks)
        for name, plan in attempt.plans.items()
    }
    gevent.joinall(list(jobs.values()), raise_error=True)
    silent = [f"{name}: it does not say what runs" for name, job in jobs.items() if not job.value]
    return Diagnosis(
        tuple(trail for job in jobs.values() if job.value for trail in trails(job.value)),
        (*dict.fromkeys(map(str, attempt.problems)), *silent),
    )


def _look(host: Host, plan: HostPlan, observed: Observed, *, asks: bool) -> Scene | None:
    places = [address for address, _ in plan.endpoints.values()]
    with ctx_host.use(host):
        answers = answering = None
        if asks:
            answers = read_fact(host, Paths, **question(plan).words)
            private = plan.private
            near = [it for it in places if private and it in private.subnet]
            addresses = [*claimable(plan), *near]
            answering = (
                read_fact(host, Neighbours, addresses=[str(it) for it in addresses])
                if addresses
                else {}
            )
        running = read_fact(host, Running)
        way = read_fact(host, Way, addresses=[str(it) for it in places])
    if running is None or way is None or (asks and answers is None):
        return None
    changes = compare(plan, observed.installed)
    return Scene(plan, observed, changes, running, way, answers, answering)


def _json(diagnosis: Diagnosis) -> Iterator[str]:
    for trail in diagnosis.trails:
        about: Mapping[str, object] = {"schema": _SCHEMA, **dataclasses.asdict(trail)}
        verdict = trail.broken.cause if trail.broken else ""
        yield json.dumps({**about, "cause": verdict})
    for problem in diagnosis.problems:
        yield json.dumps({"schema": _SCHEMA, "problem": problem})


def _print_text(diagnosis: Diagnosis) -> None:
    # A terminal that is narrower wraps lines, which loses nothing.
    console = Console(highlight=False, width=160)
    for trail in diagnosis.trails:
        if trail.broken is None:
            unknown = [hop.name for hop in trail.hops if hop.verdict == "unknown"]
            doubt = f"; not told: {', '.join(unknown)}" if unknown else ""
            console.print(f"{trail.title}: ok{doubt}", markup=False)
            continue
        console.print(f"{trail.title}: broken", markup=False)
        console.print(_table(trail))
    for problem in diagnosis.problems:
        console.print(problem, markup=False)
    for sentence in verdicts(diagnosis.trails):
        console.print(sentence, markup=False)
    if not diagnosis.broken and not diagnosis.problems:
        console.print("no path is broken")


def _table(trail: Trail) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("", "hop", "expected", "observed", "verdict", "by"):
        table.add_column(column)
    for number, hop in enumerate(trail.hops, start=1):
        # What comes behind the break is not judged.
        if hop.verdict == "not reached":
            break
        cells = (hop.name, hop.expected, printable(hop.observed), hop.verdict, hop.command)
        table.add_row(str(number), *cells)
    return table
