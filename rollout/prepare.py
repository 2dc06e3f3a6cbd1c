"""Observe every host of the inventory and plan them together, once for the whole run.

pyinfra runs deploy code for all hosts at the same time; the first to come here does the work for
all of them, since ranges and addresses can only be checked against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gevent.lock import RLock
from pyinfra import logger
from pyinfra.api import Host, State

from facts.installed import Installed, InstalledState
from facts.paths import Question
from facts.release import About, Kept, KeptRelease
from plan.compare.actions import actions, plan_id
from plan.compare.changes import Changes, compare
from plan.compare.releases import earlier_release, has_traces, read_kept, restarts
from plan.compare.verdicts import unasked
from plan.host import plan_nothing
from plan.jobs import scheduler_runs
from plan.model import HostPlan
from plan.problems import PlanError
from plan.release_command import runner
from plan.space import check_room
from rollout.approval import Proposal, approve
from rollout.fleet import plan_all
from rollout.observe import read_fact, read_settings
from rollout.refusal import RefusalError
from rollout.run import current_run

_lock = RLock()


@dataclass(frozen=True)
class Prepared:
    """A host's plan, what is to be changed for it to come true, and on how many hosts at once.

    + unasked: what no question about its paths can see, as a clause
    + release_secrets: those of the release command, none where it is not this host that runs it
    + pauses_scheduler: it has one that runs, and is to have a new release
    + login: the text of the auth file that images are pulled with
    """

    plan: HostPlan
    changes: Changes
    at_once: int
    unasked: str = ""
    release_secrets: Mapping[str, str] | None = field(default=None, repr=False)
    login: str = field(default="", repr=False)
    pauses_scheduler: bool = False


@dataclass(frozen=True)
class Rollback:
    """The release that is live on a host, the one to go back to, and on how many hosts at once.

    + abouts: what is known of the two
    + restarts: ports of instances that do not run as the earlier one has them
    + question: what to ask about the earlier one's paths
    """

    current: int
    to: int
    abouts: tuple[About, About]
    restarts: tuple[int, ...]
    question: Question
    at_once: int

    def summary(self) -> str:
        """Return what going back means, in a few words."""
        before, after = self.abouts
        ports = ", ".join(map(str, self.restarts)) or "nothing"
        return (
            f"go back from release {self.current} ({before}) to {self.to} ({after}), "
            f"which restarts {ports}"
        )


_results: dict[State, dict[str, Prepared] | RefusalError] = {}


def prepare(state: State, host: Host) -> Prepared:
    """Return what is to be done on a host.

    Raises `RefusalError` with every problem of every host, before anything is touched. A host that
    cannot be reached or observed is a problem like any other.
    """
    with _lock:
        if state not in _results:
            try:
                _results[state] = _prepare_all(state)
            except PlanError as error:
                _results[state] = RefusalError(str(error))
    result = _results[state]
    if isinstance(result, RefusalError):
        raise result
    return result[host.name]


def prepare_teardown(host: Host) -> Prepared | None:
    """Return what is to be done for a host to have nothing of the deploy's; none if it has nothing.

    Raises `RefusalError` for settings that cannot be read.
    """
    try:
        settings = read_settings(host, "remove_data")
    except PlanError as error:
        raise RefusalError(str(error)) from None
    installed: InstalledState | None = read_fact(host, Installed, images=settings.images)
    if installed is None or not has_traces(installed):
        return None
    _stop_at_first_failure(host.state)
    plan = plan_nothing(host.name, settings)
    changes = replace(compare(plan, installed), image=None, sidecar_image=None)
    return Prepared(plan, changes, settings.rollout)


def prepare_rollback(host: Host) -> Rollback | None:
    """Return the release to go back to: `--data release=N`, else the last that served before.

    Raises `RefusalError` where there is none, it is not whole, or settings cannot be read.
    """
    installed: InstalledState | None = read_fact(host, Installed, images=[])
    if installed is None:
        return None
    _stop_at_first_failure(host.state)
    try:
        settings = read_settings(host, "release")
        current, to = earlier_release(host.name, installed, host.data.get("release"))
        kept: KeptRelease | None = read_fact(host, Kept, number=to)
        if kept is None:
            return None
        question = read_kept(host.name, to, kept)
    except PlanError as error:
        raise RefusalError(str(error)) from None
    abouts = installed.release.kept
    return Rollback(
        current=current,
        to=to,
        abouts=(abouts[current], abouts[to]),
        restarts=restarts(kept, abouts[to], installed),
        question=question,
        at_once=settings.rollout,
    )


def _stop_at_first_failure(state: State) -> None:
    """Have pyinfra end the run when one host fails, where it would go on with the others."""
    if state.config.FAIL_PERCENT is None:
        state.config.FAIL_PERCENT = 0
        # Or pyinfra would forget it after the deploy file.
        state.config.lock_current_state()


def _prepare_all(state: State) -> dict[str, Prepared]:
    """Return what is to be done on every host; raise `PlanError` with every problem."""
    hosts = {host.name: host for host in state.inventory.get_active_hosts()}
    plans, observed = plan_all(state, "format", "plan")
    for name, plan in plans.items():
        for warning in plan.warnings:
            logger.warning("%s%s", hosts[name].print_prefix, warning)
    changes = {name: compare(plan, observed[name].installed) for name, plan in plans.items()}
    cramped = [
        problem
        for name, change in changes.items()
        if change.any
        for problem in check_room(name, observed[name].installed)
    ]
    if cramped:
        raise PlanError(cramped)
    running = runner(hosts, plans, changes, observed)
    proposal = Proposal(
        plan_id(plans, changes),
        actions={
            name: tuple(
                actions(plan, observed[name].installed, changes[name], commands=name == running)
            )
            for name, plan in plans.items()
        },
        public={name: plan.public for name, plan in plans.items()},
    )
    approve(state, proposal)
    commands = (plan.settings.notify for plan in plans.values())
    current_run(state).notify = tuple(dict.fromkeys(filter(None, commands)))
    # From here on: before, each host's failure to be observed is one of the problems.
    _stop_at_first_failure(state)
    at_once = min((plan.settings.rollout for plan in plans.values()), default=1)
    blind = {name: unasked(host.installed.firewall) for name, host in observed.items()}
    return {
        name: Prepared(
            plan,
            changes[name],
            at_once,
            blind[name],
            observed[name].release_secrets if name == running else None,
            observed[name].login,
            changes[name].release is not None and scheduler_runs(observed[name].installed),
        )
        for name, plan in plans.items()
    }
