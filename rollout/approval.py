"""The plan that an operator approves: what a run will do, host by host, before it does anything.

It has an id. A run that is given one does that, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click
from pyinfra.api import State

from facts.text import printable
from plan.compare.actions import Action
from plan.problems import PlanError, Problem
from rollout.concealed import masked
from rollout.run import current_run

# Of the JSON lines; another number means that fields went or changed their meaning.
_SCHEMA = 1


@dataclass(frozen=True)
class Proposal:
    """What a run would do.

    + id: another as soon as it would do anything else
    + actions: what is done, by host
    + public: the places by which the internet will reach an instance, by host
    """

    id: str
    actions: Mapping[str, tuple[Action, ...]]
    public: Mapping[str, tuple[str, ...]]


def approve(state: State, proposal: Proposal) -> None:
    """Tell what the run will do; raise `PlanError` if another plan was approved.

    As JSON lines with `--data format=json`.
    """
    run = current_run(state)
    run.changes, run.plan = any(proposal.actions.values()), proposal.id
    hosts = state.inventory.get_active_hosts()
    as_json = any(host.data.get("format") == "json" for host in hosts)
    for line in _json(proposal) if as_json else _text(proposal):
        click.echo(masked(line))
    approved = {str(host.data.get("plan")) for host in hosts if host.data.get("plan")}
    if approved and approved != {proposal.id}:
        listed = ", ".join(map(ascii, sorted(approved)))
        observation = f"{listed} was approved, and this run would be {proposal.id}"
        advice = "Inventory, hosts or --limit are others than then: look at the dry run again"
        raise PlanError([Problem("inventory", "plan", observation, advice)])


def _json(proposal: Proposal) -> Iterator[str]:
    for host, actions in proposal.actions.items():
        about = {"schema": _SCHEMA, "plan": proposal.id, "host": host}
        if not actions:
            yield json.dumps({**about, "does": "nothing"})
        for action in actions:
            fields = {"does": action.does, "reason": action.reason, "members": action.members}
            yield json.dumps({**about, **fields})
        if places := proposal.public[host]:
            yield json.dumps({**about, "public": places})


def _text(proposal: Proposal) -> Iterator[str]:
    """Yield the plan in words: what is the same on many hosts is told once."""
    yield f"plan {proposal.id}"
    groups: dict[tuple[str, ...], list[str]] = {}
    for host, actions in proposal.actions.items():
        sentences = tuple(printable(str(action)) for action in actions)
        groups.setdefault(sentences, []).append(host)
    for sentences, hosts in groups.items():
        yield f"{', '.join(hosts)}:{'' if sentences else ' nothing to do'}"
        yield from (f"  {number}. {text}" for number, text in enumerate(sentences, start=1))
    for host, places in proposal.public.items():
        if places:
            yield f"{host}: public: {', '.join(places)}"
