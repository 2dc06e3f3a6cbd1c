"""Look at hosts, and at what this machine holds for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from pyinfra import logger
from pyinfra.api import Host
from pyinfra.api.exceptions import PyinfraError
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.context import ctx_host

from facts.installed import Installed, InstalledState
from facts.neighbours import Neighbours
from facts.network import HostNetwork, Network
from facts.tag import Tag, TagState
from plan.fleet import probes
from plan.images import is_followed
from plan.inventory.reading import ENVIRONMENT_KEYS, read
from plan.inventory.registries import auth_file
from plan.inventory.secret_values import secret_text
from plan.inventory.settings import Settings
from plan.observed import Observed
from plan.problems import Problem, Problems
from rollout.concealed import conceal
from rollout.secret_sources import read_source


def read_settings(host: Host, *words: str) -> Settings:
    """Return a host's settings; raise `PlanError` with all that is wrong with them.

    + words: other words that are allowed for this run
    """
    connector = host.connector_cls.data_cls.__annotations__
    ignored = {*words, *SSHConnector.data_cls.__annotations__, *connector}
    return read(host.name, host.data.dict(), os.environ, ignored=ignored)


def read_fact(host: Host, fact: type[Any], **arguments: Any) -> Any:
    """Return a fact's value, none where the host has failed: it answered nothing, or nonsense."""
    try:
        value = host.get_fact(fact, **arguments)
        if value is None and host in host.state.active_hosts:
            logger.error("%s%s: the host answered nothing", host.print_prefix, fact.name)
            host.state.fail_hosts({host})
    except PyinfraError as error:
        # So pyinfra says that the last host has failed; the run ends with that host's own problem.
        logger.debug("%s%s", host.print_prefix, error)
        return None
    return value


def local_secrets(host: str, settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values of the secrets of instances, and of those of the release command alone.

    Raises `PlanError` for what this machine does not have.
    """
    problems = Problems(host)
    for key, archive in settings.archives.items():
        if not Path(archive).is_file():
            problems.add(
                key,
                f"there is no file {archive} on this machine",
                "Correct the path; it is relative to the checkout",
            )
    tunnels = settings.sources.keys() - settings.secrets
    keys = dict.fromkeys(settings.sources, "secrets") | dict.fromkeys(tunnels, "wireguard")
    values = _values(settings.sources, keys, problems)
    keys = dict.fromkeys(settings.release_secrets, "release_secrets")
    release_values = _values(settings.release_secrets, keys, problems)
    try:
        local_login(settings)
    except ValueError as error:
        problems.add("registry_login", f"password: {error}", "Set it, then run again")
    problems.stop()
    conceal([*values.values(), *release_values.values()])
    return values, release_values


def _values(
    sources: Mapping[str, str], keys: Mapping[str, str], problems: Problems
) -> dict[str, str]:
    """Return what sources hold, by variable; collect what this machine does not have.

    + keys: the word that names each source
    """
    values = {}
    for name, source in sources.items():
        try:
            values[name] = secret_text(read_source(source), name)
        except ValueError as error:
            observation = f"{name.removeprefix('wireguard-')}: {source} {error}"
            problems.add(keys[name], observation, "Set it, then run again")
    return values


def conceal_secrets(host: str, settings: Settings) -> list[Problem]:
    """Have stars stand for those secrets of a host that this machine holds; return what is amiss.

    For what only shows what others say: it goes on without them.
    """
    problems = Problems(host)
    for word, sources in (
        ("secrets", settings.sources),
        ("release_secrets", settings.release_secrets),
    ):
        conceal(_values(sources, dict.fromkeys(sources, word), problems).values())
    return problems.collected


def local_login(settings: Settings) -> str:
    """Return the text of the auth file that images are pulled with, empty without a login.

    Raises `ValueError` where this machine does not have the password.
    """
    login = settings.registry_login
    if login is None:
        return ""
    try:
        password = secret_text(read_source(login.password), "password")
    except ValueError as error:
        raise ValueError(f"{login.password} {error}") from None
    conceal([password])
    return auth_file(login, settings.image, password)


def observe_hosts(
    hosts: Mapping[str, Host],
    settings: Mapping[str, Settings],
    secrets: Mapping[str, Mapping[str, str]],
) -> dict[str, Observed]:
    """Return what is known of hosts, all asked at once; those that fail are left out."""
    # Not from pyinfra's own pool: its greenlets are the ones that wait here.
    jobs = {
        name: gevent.spawn(_observe, hosts[name], settings[name], secrets[name])
        for name in settings
    }
    gevent.joinall(list(jobs.values()), raise_error=True)
    return {name: job.value for name, job in jobs.items() if job.value is not None}


def _observe(host: Host, settings: Settings, secrets: Mapping[str, str]) -> Observed | None:
    with ctx_host.use(host):
        installed: InstalledState | None = read_fact(host, Installed, images=settings.images)
        if installed is None:
            return None
        network: HostNetwork | None = read_fact(host, Network, db_host=settings.db_host)
        if network is None:
            return None
        login, tag = local_login(settings), None
        if is_followed(settings, installed):
            tag = _ask_registry(host, settings.image, login)
            if tag is None:
                return None
        observed = Observed(
            settings,
            network,
            installed,
            secrets,
            login=login,
            tag=tag,
            keys={key: key.upper() for key in ENVIRONMENT_KEYS if os.environ.get(key.upper())},
            archives={path: Path(path).stat().st_size for path in settings.archives.values()},
        )
        if not (addresses := probes(observed)):
            return observed
        answering = read_fact(host, Neighbours, addresses=list(map(str, addresses)))
        return None if answering is None else replace(observed, answering=answering)


class _Unprinted(list[str]):
    """Lines for a host's standard input. pyinfra prints the arguments of facts, and not these."""

    def __repr__(self) -> str:
        return "[…]"


def _ask_registry(host: Host, image: str, login: str) -> TagState | None:
    """Return what an image's tag stands for; the login goes there on standard input."""
    words = {"_stdin": _Unprinted([login])} if login else {}
    tag: TagState | None = read_fact(host, Tag, image=image, login=bool(login), **words)
    return tag
