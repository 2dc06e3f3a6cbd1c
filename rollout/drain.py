"""What is to be known of a host before it is put out of service, or back."""

from __future__ import annotations

from pyinfra.api import Host
from pyinfra.api.exceptions import DeployError

from facts.gates import Gates, GatesState
from facts.paths import Question
from facts.release import Kept, KeptRelease
from plan.compare.releases import read_kept
from plan.drain import check_able
from plan.problems import PlanError
from rollout.observe import read_fact


def read_gates(host: Host) -> GatesState | None:
    """Return a host's gates, none where it has failed; raise `DeployError` if it cannot drain."""
    gates: GatesState | None = read_fact(host, Gates)
    if gates is not None:
        try:
            check_able(host.name, gates)
        except PlanError as error:
            raise DeployError(str(error)) from None
    return gates


def read_question(host: Host, gates: GatesState) -> Question | None:
    """Return what to ask about the paths of a host's release, none where the host has failed.

    Raises `DeployError` where the release is not whole.
    """
    try:
        number = check_able(host.name, gates)
        kept: KeptRelease | None = read_fact(host, Kept, number=number)
        return None if kept is None else read_kept(host.name, number, kept)
    except PlanError as error:
        raise DeployError(str(error)) from None
