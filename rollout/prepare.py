"""Observe every host of the inventory and plan them together, once for the whole run.

pyinfra runs deploy code for all hosts at the same time; the first to come here does the work for
all of them, since ranges and addresses can only be checked against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gevent.lock import RLock
from pyinfra import logger
from pyinfra.api import Host, State
from pyinfra.api.exceptions import DeployError

from facts.installed import Installed, InstalledState
from facts.paths import Question
from facts.release import About, Kept, KeptRelease
from plan.compare.changes import Changes, compare
from plan.compare.releases import earlier_release, has_traces, read_kept, restarts
from plan.compare.verdicts import unasked
from plan.fleet import plan_fleet
from plan.host import plan_nothing
from plan.inventory.settings import Settings
from plan.model import HostPlan
from plan.observed import Observed
from plan.problems import PlanError, Problem
from plan.space import check_room
from rollout.observe import local_secrets, observe_hosts, read_fact, read_settings

_lock = RLock()


@dataclass(frozen=True)
class Prepared:
    """A host's plan, what is to be changed for it to come true, and on how many hosts at once.

    + unasked: what no question about its paths can see, as a clause
    + login: the text of the auth file that images are pulled with
    """

    plan: HostPlan
    changes: Changes
    at_once: int
    unasked: str = ""
    login: str = field(default="", repr=False)


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


_results: dict[State, dict[str, Prepared] | DeployError] = {}


def prepare(state: State, host: Host) -> Prepared:
    """Return what is to be done on a host.

    Raises `DeployError` with every problem of every host, before anything is touched. A host that
    cannot be reached or observed is a problem like any other.
    """
    with _lock:
        if state not in _results:
            try:
                _results[state] = _prepare_all(state)
            except PlanError as error:
                _results[state] = DeployError(str(error))
    result = _results[state]
    if isinstance(result, DeployError):
        raise result
    return result[host.name]


def prepare_teardown(host: Host) -> Prepared | None:
    """Return what is to be done for a host to have nothing of the deploy's; none if it has nothing.

    Raises `DeployError` for settings that cannot be read.
    """
    try:
        settings = read_settings(host)
    except PlanError as error:
        raise DeployError(str(error)) from None
    installed: InstalledState | None = read_fact(host, Installed, images=settings.images)
    if installed is None or not has_traces(installed):
        return None
    _stop_at_first_failure(host.state)
    plan = plan_nothing(host.name, settings)
    changes = replace(compare(plan, installed), image=None, sidecar_image=None)
    return Prepared(plan, changes, settings.rollout)


def prepare_rollback(host: Host) -> Rollback | None:
    """Return the release to go back to: `--data release=N`, else the last that served before.

    Raises `DeployError` where there is none, it is not whole, or settings cannot be read.
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
        raise DeployError(str(error)) from None
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


@dataclass
class _Fleet:
    """The settings of an inventory, and what is wrong with it.

    + settings, secrets: of the hosts of this run
    + bystanders: settings of the inventory's other hosts, which may be as wrong as they like
    """

    settings: dict[str, Settings] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    bystanders: dict[str, Settings] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def plan_all(state: State, *words: str) -> tuple[dict[str, HostPlan], dict[str, Observed]]:
    """Return every host's plan, and what is known of it; raise `PlanError` with every problem.

    + words: other words that are allowed for this run
    """
    hosts = {host.name: host for host in state.inventory.get_active_hosts()}
    fleet = _read_fleet(state, hosts, words)
    fleet.problems += _unreachable(state)
    observed = observe_hosts(hosts, fleet.settings, fleet.secrets)
    for name in fleet.settings.keys() - observed:
        fleet.problems.append(_connection(name, "it cannot be observed"))
        # It keeps its place on the network all the same.
        fleet.bystanders[name] = fleet.settings[name]
    return _plan(fleet, observed), observed


def _prepare_all(state: State) -> dict[str, Prepared]:
    """Return what is to be done on every host; raise `PlanError` with every problem."""
    hosts = {host.name: host for host in state.inventory.get_active_hosts()}
    plans, observed = plan_all(state)
    for name, plan in plans.items():
        for warning in plan.warnings:
            logger.warning("%s%s", hosts[name].print_prefix, warning)
        if plan.public:
            logger.info("%spublic: %s", hosts[name].print_prefix, ", ".join(plan.public))
    changes = {name: compare(plan, observed[name].installed) for name, plan in plans.items()}
    cramped = [
        problem
        for name, change in changes.items()
        if change.any
        for problem in check_room(name, observed[name].installed)
    ]
    if cramped:
        raise PlanError(cramped)
    # From here on: before, each host's failure to be observed is one of the problems.
    _stop_at_first_failure(state)
    at_once = min((plan.settings.rollout for plan in plans.values()), default=1)
    blind = {name: unasked(host.installed.firewall) for name, host in observed.items()}
    return {
        name: Prepared(plan, changes[name], at_once, blind[name], observed[name].login)
        for name, plan in plans.items()
    }


def _read_fleet(state: State, hosts: Mapping[str, Host], words: Sequence[str]) -> _Fleet:
    fleet = _Fleet()
    for host in state.inventory:
        try:
            settings = read_settings(host, *words)
            if host.name in hosts:
                fleet.secrets[host.name] = local_secrets(host.name, settings)
                fleet.settings[host.name] = settings
            else:
                fleet.bystanders[host.name] = settings
        except PlanError as error:
            fleet.problems += error.problems if host.name in hosts else ()
    return fleet


def _plan(fleet: _Fleet, observed: Mapping[str, Observed]) -> dict[str, HostPlan]:
    """Return the plans; raise `PlanError` for what is wrong with them, or was before."""
    try:
        plans = plan_fleet(observed, fleet.bystanders)
    except PlanError as error:
        raise PlanError([*fleet.problems, *error.problems]) from None
    if fleet.problems:
        raise PlanError(fleet.problems)
    return plans


def _unreachable(state: State) -> list[Problem]:
    return [
        _connection(host.name, "it cannot be reached")
        for host in state.inventory
        if state.is_host_in_limit(host) and host not in state.activated_hosts
    ]


def _connection(host: str, observation: str) -> Problem:
    advice = "Mend it, or --limit the run"
    return Problem(host, "connection", f"{observation}, as told above", advice)
