"""What is to be known of a host before it is put out of service, or back."""

from __future__ import annotations

from pyinfra.api import Host
from pyinfra.api.exceptions import DeployError

from facts.gates import Gates, GatesState
from facts.paths import Question
from facts.release import Kept, KeptRelease
from plan.compare.releases import read_kept
from plan.drain import check_able
from plan.problems import PlanError, Problem, Problems
from rollout.observe import read_fact

_ADVICE = "Mend it, or --limit the run to others"


def read_gates(host: Host) -> GatesState | None:
    """Return a host's gates, none where it has failed; raise `DeployError` if it cannot drain."""
    gates: GatesState | None = read_fact(host, Gates)
    if gates is not None:
        try:
            check_able(host.name, gates)
        except PlanError as error:
            raise DeployError(str(error)) from None
    return gates


def read_reboot(host: Host) -> tuple[GatesState, Question]:
    """Return a host's gates, and what to ask about the paths of its release.

    Raises `DeployError`, which ends the run, where a host of the run is not in order: with one that
    is away no other is to go, too.
    """
    try:
        _refuse_absent(host)
        gates = read_gates(host)
        number = gates.current if gates else None
        kept: KeptRelease | None = read_fact(host, Kept, number=number) if gates else None
        if gates is None or number is None or kept is None:
            raise Problems(host.name).error("connection", "it cannot be observed", _ADVICE)
        return gates, read_kept(host.name, number, kept)
    except PlanError as error:
        raise DeployError(str(error)) from None


def _refuse_absent(host: Host) -> None:
    """Raise `PlanError` where a host of the run cannot be reached."""
    state = host.state
    absent = [
        Problem(other.name, "connection", "it cannot be reached, as told above", _ADVICE)
        for other in state.inventory
        if state.is_host_in_limit(other) and other not in state.activated_hosts
    ]
    if absent:
        raise PlanError(absent)
