"""The scheduler stops before anything changes; the switch of its host starts it at its end."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api import operation

from names import JOB, SCHEDULER, unit
from rollout.prepare import Prepared
from tasks import lock


def pause(*, prepared: Prepared) -> None:
    """Stop the scheduler of this host, if it has one that is to run from another release."""
    if prepared.pauses_scheduler:
        _stop(name="Stop the scheduler until its host has changed")


@operation()
def _stop() -> Generator[str]:
    yield f"{lock.HELD}; systemctl stop {unit(JOB, SCHEDULER)}"
