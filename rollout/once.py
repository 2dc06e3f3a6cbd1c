"""One command of the operator's on one host: what it says is passed on, and how it ends."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import NoReturn

import gevent
from pyinfra import logger
from pyinfra.api import Host, State

from facts.installed import Installed, InstalledState
from plan.once import WORDS, Once, once
from plan.problems import PlanError
from rollout.command_line import is_dry, typed
from rollout.observe import conceal_secrets, read_fact, read_settings
from rollout.refusal import RefusalError
from rollout.stream import FAILURES, Stream, end_when_interrupted, harmless, show
from rollout.turn import take_turn

_FAILURE = 1


def run(state: State) -> NoReturn:
    """Run `--data command=…` on the first host of the run and end it with that one's exit code.

    pyinfra comes here for each host; the first does it for all.
    """
    take_turn()
    host = next(other for other in state.inventory if other in state.active_hosts)
    planned = _plan(host)
    if is_dry():
        logger.info("%swould run %s", host.print_prefix, planned.title)
        sys.exit(0)
    logger.info("%sruns %s", host.print_prefix, planned.title)
    end_when_interrupted()
    sys.exit(_run(host, shlex.join(planned.words)))


def _plan(host: Host) -> Once:
    """Return what to run; raise `RefusalError` where that cannot be."""
    try:
        settings = read_settings(host, *WORDS)
        installed: InstalledState | None = read_fact(host, Installed, images=[])
        if installed is None:
            raise RefusalError(f"{host.name}: it cannot be observed, as told above")
        planned = once(host.name, typed(), installed)
    except PlanError as error:
        raise RefusalError(str(error)) from None
    for problem in conceal_secrets(host.name, settings):
        logger.warning("%s Its value is not hidden in what follows", problem)
    return planned


def _run(host: Host, command: str) -> int:
    try:
        stream = Stream(host, command)
        errors = gevent.spawn(_pass_on, stream.errors(), error=True)
        _pass_on(stream.output())
        errors.get()
        return stream.code()
    except FAILURES as error:
        logger.error("%s: %s", host.name, error)
        return _FAILURE


def _pass_on(lines: Iterator[str], *, error: bool = False) -> None:
    for line in lines:
        show(harmless(line), error=error)
