"""Read, observe and plan the hosts of a run, all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pyinfra.api import Host, State

from plan.fleet import try_fleet
from plan.inventory.settings import Settings
from plan.model import HostPlan
from plan.observed import Observed
from plan.problems import PlanError, Problem
from rollout.local_files import local_files
from rollout.observe import local_secrets, observe_hosts, read_settings


@dataclass
class _Fleet:
    """The settings of an inventory, and what is wrong with it.

    + settings, secrets, release_secrets, files: of the hosts of this run
    + bystanders: settings of the inventory's other hosts, which may be as wrong as they like
    """

    settings: dict[str, Settings] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    release_secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    bystanders: dict[str, Settings] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Attempt:
    """What came of planning an inventory.

    + plans, observed: of the hosts of this run for which they could be had
    + settings: of every host whose words can be read, those that the run leaves alone included
    """

    plans: dict[str, HostPlan]
    observed: dict[str, Observed]
    settings: dict[str, Settings]
    problems: list[Problem]


def plan_all(state: State, *words: str) -> tuple[dict[str, HostPlan], dict[str, Observed]]:
    """Return every host's plan, and what is known of it; raise `PlanError` with every problem.

    + words: other words that are allowed for this run
    """
    attempt = try_all(state, *words)
    if attempt.problems:
        raise PlanError(attempt.problems)
    return attempt.plans, attempt.observed


def try_all(state: State, *words: str) -> Attempt:
    """Return the plans of the hosts that can be planned by themselves, and every problem.

    + words: other words that are allowed for this run
    """
    hosts = {host.name: host for host in state.inventory.get_active_hosts()}
    fleet = _read_fleet(state, hosts, words)
    fleet.problems += unreachable(state)
    observed = {
        name: replace(host, release_secrets=fleet.release_secrets[name], files=fleet.files[name])
        for name, host in observe_hosts(hosts, fleet.settings, fleet.secrets).items()
    }
    for name in fleet.settings.keys() - observed:
        fleet.problems.append(_connection(name, "it cannot be observed"))
        # It keeps its place on the network all the same.
        fleet.bystanders[name] = fleet.settings[name]
    plans, problems = try_fleet(observed, fleet.bystanders)
    settings = fleet.bystanders | fleet.settings
    return Attempt(plans, observed, settings, [*fleet.problems, *problems])


def _read_fleet(state: State, hosts: Mapping[str, Host], words: Sequence[str]) -> _Fleet:
    fleet = _Fleet()
    for host in state.inventory:
        try:
            settings = read_settings(host, *words)
        except PlanError as error:
            fleet.problems += error.problems if host.name in hosts else ()
        else:
            if host.name in hosts:
                _read_held(host.name, settings, fleet)
            else:
                fleet.bystanders[host.name] = settings
    return fleet


def _read_held(host: str, settings: Settings, fleet: _Fleet) -> None:
    """Add a host of this run, with what this machine holds for it, or what is wrong with that."""
    try:
        fleet.files[host] = local_files(host, settings)
    except PlanError as error:
        fleet.problems += error.problems
    try:
        fleet.secrets[host], fleet.release_secrets[host] = local_secrets(host, settings)
    except PlanError as error:
        fleet.problems += error.problems
    if host in fleet.files and host in fleet.secrets:
        fleet.settings[host] = settings


def unreachable(state: State) -> list[Problem]:
    """Return a problem per host of the run that no connection leads to."""
    return [
        _connection(host.name, "it cannot be reached")
        for host in state.inventory
        if state.is_host_in_limit(host) and host not in state.activated_hosts
    ]


def _connection(host: str, observation: str) -> Problem:
    advice = "Mend it, or --limit the run"
    return Problem(host, "connection", f"{observation}, as told above", advice)
