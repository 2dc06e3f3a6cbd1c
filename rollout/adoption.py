"""What somebody else set up on every host of a run, told as an inventory."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import gevent
from pyinfra.api import Host, State
from pyinfra.context import ctx_host

from facts.foreign_units import ForeignState, ForeignUnits
from plan.adoption.inventory import inventory_text
from plan.adoption.takeover import Takeover, plan_takeover
from plan.adoption.words import Adoption, adopt
from plan.problems import PlanError
from rollout.command_line import is_dry
from rollout.observe import read_fact, read_settings
from rollout.refusal import RefusalError
from rollout.turn import take_turn

# Of the JSON lines; another number means that fields went or changed their meaning.
_SCHEMA = 1
_TOLD, _NOT_TOLD = 0, 1
# How a host is reached. Whatever else an inventory says of that may be secret, and is left out.
_CONNECTION = (
    "ssh_hostname",
    "ssh_port",
    "ssh_user",
    "ssh_key",
    "ssh_known_hosts_file",
    "ssh_strict_host_key_checking",
    "_sudo",
)


def tell(state: State, host: Host) -> NoReturn:
    """Print the inventory of all hosts of the run and end it: with 0 if each has been told.

    pyinfra comes here for each host; the first does it for all. As JSON lines with
    `--data format=json`.
    """
    take_turn()
    hosts = list(state.inventory.get_active_hosts())
    jobs = {it: gevent.spawn(_read, it) for it in hosts}
    gevent.joinall(list(jobs.values()), raise_error=True)
    adoptions = [(it, adopt(it.name, job.value)) for it, job in jobs.items() if job.value]
    if host.data.get("format") == "json":
        _print_json([adoption for _, adoption in adoptions])
    else:
        print(
            inventory_text((adoption, _connection(it.data.dict())) for it, adoption in adoptions),
            end="",
        )
    sys.stdout.flush()
    complete = len(adoptions) == len(hosts) and all(adoption.words for _, adoption in adoptions)
    sys.exit(_TOLD if complete else _NOT_TOLD)


def prepare_takeover(state: State, host: Host) -> Takeover | None:
    """Return what the next deploy takes over on a host, none if the host has failed.

    A dry run ends here, with the inventory of all hosts. Raises `RefusalError` with all that cannot
    be taken over, and for settings that cannot be read.
    """
    if is_dry():
        tell(state, host)
    try:
        settings = read_settings(host, "format")
        foreign: ForeignState | None = read_fact(host, ForeignUnits)
        return plan_takeover(host.name, settings, foreign) if foreign else None
    except PlanError as error:
        raise RefusalError(str(error)) from None


def _read(host: Host) -> ForeignState | None:
    with ctx_host.use(host):
        foreign: ForeignState | None = read_fact(host, ForeignUnits)
        return foreign


def _connection(data: Mapping[str, Any]) -> dict[str, Any]:
    return {word: data[word] for word in _CONNECTION if data.get(word) is not None}


def _print_json(adoptions: list[Adoption]) -> None:
    for it in adoptions:
        notes = {word: sentences for word, sentences in it.notes.items() if sentences}
        line = {"schema": _SCHEMA, "host": it.host, "words": it.words, "notes": notes}
        print(json.dumps(line))
