"""Who is told of a run: commands of the operator's, on this machine, when it begins and ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from gevent import subprocess
from pyinfra import logger
from pyinfra.api import State

from rollout.run import current_run

# Of the JSON object; another number means that fields went or changed their meaning.
_SCHEMA = 1
_PATIENCE = 10  # seconds


def announce_start(state: State) -> None:
    """Tell that hosts are about to change, once per run."""
    run = current_run(state)
    if run.announced:
        return
    run.announced = True
    hosts = sorted(host.name for host in state.inventory.get_active_hosts())
    _tell(run.notify, {"outcome": "started", "plan": run.plan, "hosts": hosts})


def announce_end(state: State) -> None:
    """Tell how a run has ended whose start was told."""
    run = current_run(state)
    if not run.announced:
        return
    failed = sorted(host.name for host in state.failed_hosts)
    served = sorted(
        name
        for name, operation in run.switched.items()
        if operation.is_complete() and name not in failed
    )
    outcome = "failed" if failed else "served"
    _tell(run.notify, {"outcome": outcome, "plan": run.plan, "hosts": served, "failed": failed})


def _tell(commands: Iterable[tuple[str, ...]], fields: Mapping[str, object]) -> None:
    """Run each command with a JSON object on its standard input; one that fails is a warning."""
    text = json.dumps({"schema": _SCHEMA, **fields}) + "\n"
    for command in commands:
        try:
            subprocess.run(command, input=text, text=True, check=True, timeout=_PATIENCE)
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning("notify: %s. The run goes on", error)
