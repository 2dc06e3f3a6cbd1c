"""Which host runs the command that goes before a release: one, once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from names import SIDECAR, container
from plan.compare.changes import Changes
from plan.model import HostPlan
from plan.observed import Observed
from plan.problems import PlanError, Problem


def runner(
    order: Iterable[str],
    plans: Mapping[str, HostPlan],
    changes: Mapping[str, Changes],
    observed: Mapping[str, Observed],
) -> str | None:
    """Return the host that runs the release command, none if no host gets a new release.

    It is the first of those that can. Raises `PlanError` where the command needs a tunnel, and none
    runs yet.

    + order: the hosts as they change
    """
    candidates = [
        name
        for name in order
        if changes[name].release is not None and plans[name].settings.release_command is not None
    ]
    for name in candidates:
        if _can(plans[name], observed[name]):
            return name
    if candidates:
        raise PlanError(
            [
                Problem(
                    candidates[0],
                    "release_command",
                    "it would reach the database by the tunnel of an instance that runs, and none "
                    "does yet",
                    "Deploy once without it",
                )
            ]
        )
    return None


def _can(plan: HostPlan, observed: Observed) -> bool:
    if plan.settings.tunnel is None:
        return True
    sidecar = container(SIDECAR, min(plan.settings.instances))
    live = observed.installed.podman.containers.get(sidecar)
    return live is not None and live.running
