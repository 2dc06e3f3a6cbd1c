"""What it takes to put a host out of service, reboot it, and put it back."""

from __future__ import annotations

from dataclasses import replace

from facts.gates import GatesState
from facts.paths import Question
from plan.problems import Problems


def check_able(host: str, gates: GatesState) -> None:
    """Raise `PlanError` where the release that is live cannot be drained, or there is none."""
    problems = Problems(host)
    if gates.current is None:
        raise problems.error(
            "release", "none is live, so there are no gates", "Deploy first, or --limit the run"
        )
    if not gates.able:
        raise problems.error(
            "release",
            f"release {gates.current} is of an older version of the deploy, which drains no host",
            "Deploy first",
        )


def is_by_hand(gates: GatesState) -> bool:
    """Tell whether the host is drained, and not for a reboot alone."""
    return gates.drain is not None and not gates.drain.boot


def is_to_close(gates: GatesState) -> bool:
    """Tell whether the host is to be drained: it is not, or not by hand, or has lost a gate."""
    return not is_by_hand(gates) or not gates.ports <= gates.closed


def is_to_open(gates: GatesState) -> bool:
    """Tell whether the host is to be put back: it is drained, or a gate was left closed."""
    return gates.drain is not None or bool(gates.closed & gates.running & gates.ports)


def is_rebooted(gates: GatesState) -> bool:
    """Tell whether a run that has not ended has rebooted the host already."""
    return gates.drain is not None and gates.drain.boot not in {"", gates.boot}


def behind_gates(question: Question) -> Question:
    """Return what to ask of a drained host: everything but its published ports."""
    return replace(question, addresses=(), beyond=None)
