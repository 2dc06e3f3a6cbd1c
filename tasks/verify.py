"""Verify: the deploy is done when every path answers, not when every command succeeded."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host, state
from pyinfra.api import operation

from facts.paths import Paths
from plan.model import HostPlan
from plan.verdicts import asked_addresses, failures


@operation()
def paths(plan: HostPlan) -> Generator[str]:
    """Ask every path of every instance; fail the host, naming each path that does not answer.

    + plan: what the host should be by now
    """
    # A dry run changed nothing, so there is nothing to verify yet.
    if not state.is_executing:
        return
    answers = host.get_fact(
        Paths,
        ports=[instance.port for instance in plan.instances],
        addresses=list(asked_addresses(plan)),
        health_path=plan.settings.health_path,
        db_host=plan.settings.db_host,
        db_port=plan.settings.db_port,
    )
    failed = list(failures(plan, answers or ()))
    if answers is None:
        failed = [f"{plan.host}: the host did not answer when asked about its paths"]
    if failed:
        yield f"printf '%s\\n' {' '.join(map(shlex.quote, failed))} >&2; exit 1"
    else:
        host.noop("every path answers")
