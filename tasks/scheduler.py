"""The scheduler stops before anything changes; the switch of its host starts it at its end.

Where it does not come to that, the host itself starts it again when the run is over.
"""

from __future__ import annotations

from collections.abc import Generator

from pyinfra.api import operation

from names import JOB, RESUME_UNIT, SCHEDULER, unit
from rollout.prepare import Prepared
from tasks import lock
from tasks.release import STAGED


def pause(*, prepared: Prepared) -> None:
    """Stop the scheduler of this host, if it has one that is to run from another release."""
    if prepared.pauses_scheduler:
        _stop(name="Stop the scheduler until its host has changed")


@operation()
def _stop() -> Generator[str]:
    yield (
        f"{lock.HELD}; systemctl is-active --quiet {RESUME_UNIT} || "
        f"systemd-run --quiet --collect --unit={RESUME_UNIT} sh {STAGED}/host/resume.sh || exit; "
        f"systemctl stop {unit(JOB, SCHEDULER)}"
    )
