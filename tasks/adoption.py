"""What somebody else runs is handed over: the next deploy of the host takes it, port by port."""

from __future__ import annotations

from io import StringIO

from pyinfra import host, logger
from pyinfra.operations import files

from names import ADOPTING
from plan.adoption.takeover import Takeover


def hand_over(*, takeover: Takeover) -> None:
    """Write down what the next deploy may stop; until then nothing changes."""
    for port, unit in sorted(takeover.units.items()):
        logger.info("%sthe next deploy takes over %s from %s", host.print_prefix, port, unit)
    files.put(
        name="Let the next deploy take over what is there",
        src=StringIO(takeover.text),
        dest=ADOPTING,
        mode="600",
    )
