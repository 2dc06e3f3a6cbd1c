"""Observe every host of the inventory and plan them together, once for the whole run.

pyinfra runs deploy code for all hosts at the same time; the first to come here does the work for
all of them, since ranges and addresses can only be checked against each other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gevent
from gevent.lock import RLock
from pyinfra import logger
from pyinfra.api import Host, State
from pyinfra.api.exceptions import DeployError
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.context import ctx_host

from facts.installed import Installed, InstalledState
from facts.network import Network
from plan.changes import Changes, compare, earlier, traces
from plan.fleet import Observed, plan_fleet, probes
from plan.host import plan_nothing
from plan.model import HostPlan
from plan.problems import PlanError, Problem
from plan.settings import ENVIRONMENT_KEYS, Settings, read

_lock = RLock()


@dataclass(frozen=True)
class Prepared:
    """A host's plan, what is to be changed for it to come true, and on how many hosts at once."""

    plan: HostPlan
    changes: Changes
    at_once: int


@dataclass(frozen=True)
class Rollback:
    """The release that is live on a host, the one to go back to, and on how many hosts at once."""

    current: int
    to: int
    at_once: int


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
            except DeployError as error:
                _results[state] = error
    result = _results[state]
    if isinstance(result, DeployError):
        raise result
    return result[host.name]


def prepare_teardown(host: Host) -> Prepared | None:
    """Return what is to be done for a host to have nothing of the deploy's; none if it has nothing.

    Raises `DeployError` for settings that cannot be read.
    """
    try:
        settings = read(host.name, host.data.dict(), os.environ, ignored=_connector_words(host))
    except PlanError as error:
        raise DeployError(str(error)) from None
    installed: InstalledState | None = _fact(host, Installed, image=settings.image)
    if installed is None or not traces(installed):
        return None
    _stop_at_first_failure(host.state)
    plan = plan_nothing(host.name, settings)
    changes = replace(compare(plan, installed), image=None, sidecar_image=None)
    return Prepared(plan, changes, settings.rollout)


def prepare_rollback(host: Host) -> Rollback | None:
    """Return the release to go back to: `--data release=N`, else the one before the current.

    Raises `DeployError` where there is none, or settings cannot be read.
    """
    installed: InstalledState | None = _fact(host, Installed)
    if installed is None:
        return None
    _stop_at_first_failure(host.state)
    words = {"release", *_connector_words(host)}
    try:
        settings = read(host.name, host.data.dict(), os.environ, ignored=words)
        current, to = earlier(host.name, installed, host.data.get("release"))
        return Rollback(current, to, settings.rollout)
    except PlanError as error:
        raise DeployError(str(error)) from None


def _stop_at_first_failure(state: State) -> None:
    """Have pyinfra end the run when one host fails, where it would go on with the others."""
    if state.config.FAIL_PERCENT is None:
        state.config.FAIL_PERCENT = 0
        # Or pyinfra would forget it after the deploy file.
        state.config.lock_current_state()


def _prepare_all(state: State) -> dict[str, Prepared]:
    problems = [
        _unusable(host.name, "it cannot be reached")
        for host in state.inventory
        if state.is_host_in_limit(host) and host not in state.activated_hosts
    ]
    settings: dict[str, Settings] = {}
    bystanders: dict[str, Settings] = {}
    secrets: dict[str, dict[str, str]] = {}
    active = {host.name: host for host in state.inventory.get_active_hosts()}
    for host in state.inventory:
        try:
            found = read(host.name, host.data.dict(), os.environ, ignored=_connector_words(host))
            if host.name in active:
                secrets[host.name] = _local(host.name, found)
                settings[host.name] = found
            else:
                bystanders[host.name] = found
        except PlanError as error:
            # A host that this run leaves alone may be as wrong as it likes.
            problems += error.problems if host.name in active else ()

    observed = _observe_all({name: active[name] for name in settings}, settings, secrets)
    # A host that could not be observed keeps its place on the network all the same.
    bystanders |= {name: known for name, known in settings.items() if name not in observed}
    problems += [_unusable(name, "it cannot be observed") for name in settings.keys() - observed]
    plans: dict[str, HostPlan] = {}
    try:
        plans = plan_fleet(observed, bystanders)
    except PlanError as error:
        problems += error.problems
    if problems:
        raise DeployError(str(PlanError(problems)))
    for name, plan in plans.items():
        for warning in plan.warnings:
            logger.warning("%s%s", active[name].print_prefix, warning)
    # From here on: before, each host's failure to be observed is one of the problems.
    _stop_at_first_failure(state)
    at_once = min((plan.settings.rollout for plan in plans.values()), default=1)
    return {
        name: Prepared(plan, compare(plan, observed[name].installed), at_once)
        for name, plan in plans.items()
    }


def _unusable(host: str, seen: str) -> Problem:
    return Problem(host, "connection", f"{seen}, as told above", "Mend it, or --limit the run")


def _observe_all(
    active: Mapping[str, Host],
    settings: Mapping[str, Settings],
    secrets: Mapping[str, Mapping[str, str]],
) -> dict[str, Observed]:
    """Read two facts per host, all hosts at once; those that fail are left out."""
    keys = {key: key.upper() for key in ENVIRONMENT_KEYS if os.environ.get(key.upper())}

    def observe(host: Host) -> Observed | None:
        wanted = settings[host.name]
        with ctx_host.use(host):
            sidecar = wanted.tunnel.image if wanted.tunnel else ""
            installed: InstalledState | None = _fact(
                host, Installed, image=wanted.image, sidecar=sidecar
            )
            if installed is None:
                return None
            network = _fact(host, Network, db_host=wanted.db_host, probe=probes(wanted, installed))
        if network is None:
            return None
        tunnel = wanted.tunnel
        paths = (wanted.image_archive, tunnel.image_archive if tunnel else None)
        archives = {path: Path(path).stat().st_size for path in paths if path is not None}
        return Observed(wanted, network, installed, secrets[host.name], keys, archives)

    # Not from pyinfra's own pool: its greenlets are the ones that wait here.
    running = {name: gevent.spawn(observe, host) for name, host in active.items()}
    gevent.joinall(list(running.values()), raise_error=True)
    return {name: seen for name, job in running.items() if (seen := job.value) is not None}


def _fact(host: Host, fact: type[Any], **arguments: Any) -> Any:
    """Return a fact's value; a host that answers nothing at all fails like one that lies."""
    value = host.get_fact(fact, **arguments)
    if value is None and host in host.state.active_hosts:
        logger.error("%s%s: the host answered nothing", host.print_prefix, fact.name)
        host.state.fail_hosts({host})
    return value


def _local(host: str, settings: Settings) -> dict[str, str]:
    """Return the values of the secrets; raise `PlanError` for what this machine does not have."""
    tunnel = settings.tunnel
    archives = {
        "image_archive": settings.image_archive,
        "wireguard": tunnel.image_archive if tunnel else None,
    }
    problems = [
        Problem(
            host,
            key,
            f"there is no file {archive} on this machine",
            "Correct the path; it is relative to the checkout",
        )
        for key, archive in archives.items()
        if archive is not None and not Path(archive).is_file()
    ]
    values = {}
    for name, source in settings.sources.items():
        kind, _, where = source.partition(":")
        try:
            value = os.environ[where] if kind == "env" else Path(where).read_text().rstrip("\n")
        except (KeyError, OSError, UnicodeDecodeError):
            value = ""
        if value:
            values[name] = value
        else:
            key = "secrets" if name in settings.secrets else "wireguard"
            seen = f"{name.removeprefix('wireguard-')}: {source} holds nothing"
            problems.append(Problem(host, key, seen, "Set it, then run again"))
    if problems:
        raise PlanError(problems)
    return values


def _connector_words(host: Host) -> set[str]:
    """Return the words that pyinfra itself reads from a host's data."""
    return {*SSHConnector.data_cls.__annotations__, *host.connector_cls.data_cls.__annotations__}
