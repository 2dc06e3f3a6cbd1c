"""Ask every path of a host after a change."""

from __future__ import annotations

import shlex

from pyinfra import host, logger

from facts.gates import Gates, GatesState
from facts.neighbours import Neighbours
from facts.paths import Paths, Question
from plan.compare.verdicts import failures
from plan.drain import behind_gates
from plan.model import HostPlan
from plan.neighbours import claimable, claims
from rollout.observe import read_fact
from tasks import lock


def verify(asked: Question, plan: HostPlan | None) -> list[str]:
    """Ask every path of every instance; return a sentence per path that does not answer.

    + plan: what is live, where that is known: then who else answers for its addresses is told
    """
    if not asked.ports:
        return []
    gates: GatesState | None = read_fact(host, Gates)
    if gates is None:
        return [f"{host.name}: the host did not answer when asked about its gates"]
    if gates.drain:
        asked = behind_gates(asked)
        host.log(f"{gates.drain}: the gates stay closed until verbs/undrain.py", logger.warning)
    # Once more where one does not: the host's firewall may be reloaded at any moment.
    for is_last in (False, True):
        answers = read_fact(host, Paths, **asked.words)
        if answers is None:
            return [f"{host.name}: the host did not answer when asked about its paths"]
        failed = list(failures(host.name, asked, answers))
        if not failed or is_last:
            break
        for sentence in failed:
            host.log(f"asked again: {sentence}", logger.warning)
        if plan and (addresses := claimable(plan)):
            answering = read_fact(host, Neighbours, addresses=list(map(str, addresses)))
            for sentence in claims(plan, answering or {}):
                host.log(sentence, logger.warning)
    return failed


def failure(sentences: list[str]) -> str:
    """Return the command that frees the lock, says what does not answer, and fails."""
    return f"{lock.FREE}; printf '%s\\n' {' '.join(map(shlex.quote, sentences))} >&2; exit 1"
