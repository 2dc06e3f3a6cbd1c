"""What only one host of an inventory may have: the scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from facts.installed import InstalledState
from names import JOB, SCHEDULER, unit
from plan.inventory.settings import Settings
from plan.problems import Problem


def scheduler_runs(installed: InstalledState) -> bool:
    """Tell whether the host's scheduler is at work."""
    return installed.systemd.units.get(unit(JOB, SCHEDULER)) == "active"


def check_scheduler(settings: Mapping[str, Settings]) -> Iterator[Problem]:
    """Yield every scheduler but one: each would do all of the work.

    + settings: those of every host of the inventory
    """
    holder, *others = [name for name, words in sorted(settings.items()) if words.scheduler] or [""]
    for name in others:
        yield Problem(
            name,
            "scheduler",
            f"{holder} has one, too, and nothing keeps two from doing everything twice",
            "Set it on one host of the inventory",
        )
