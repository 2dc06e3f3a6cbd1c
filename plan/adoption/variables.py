"""The words `environment`, `secrets` and those of the database, from the app's variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from facts.foreign_units import HIDDEN, ForeignState
from plan.adoption.notes import Notes
from plan.adoption.setups import Setup
from plan.app import DATABASE_URLS, looks_secret

# PORT is the deploy's to give; the rest is for the app's own tool, or Podman's and the image's.
_LEFT_OUT = {"PORT", "SECRET_VARIABLE_NAMES", "PATH", "HOME", "HOSTNAME", "TERM", "container"}
# Where the host itself is a name that means something else inside a container.
_HOST_ITSELF = ("host.containers.internal", "host.docker.internal")
_LOOPBACK = ("localhost", "127.0.0.1")
_MAINDB = "maindb"
_SERVICE_URLS = {"AUTH_DATABASE_URL": "authdb", "RABBITMQ_URL": "rabbitmq"}
# By the scheme of such an address: the protocol, its port, and whether it speaks TLS.
_SERVICES = {
    "postgres": ("postgresql", 5432, False),
    "postgresql": ("postgresql", 5432, False),
    "amqp": ("amqp", 5672, False),
    "amqps": ("amqp", 5671, True),
}


@dataclass(frozen=True)
class Variable:
    """A variable of the app: what it holds, as far as the host told it, and how to find the rest.

    + source: where it stands
    + finding: a command for the host that prints it
    """

    value: str
    source: str
    finding: str


def variables(setup: Setup, state: ForeignState, notes: Notes) -> dict[str, Variable]:
    """Return what a container gets: from files, over these its own, and over those secrets."""
    values: dict[str, Variable] = {}
    for path in setup.values("EnvironmentFile"):
        file = path.removeprefix("-")
        if file not in state.environments:
            notes.add("environment", f"{file} is not there, or holds no variable")
        for name, value in state.environments.get(file, {}).items():
            finding = f"sed -n s/^{name}=//p {shlex.quote(file)}"
            values[name] = Variable(value, file, finding)
    for assignment in setup.values("Environment"):
        name, _, value = assignment.partition("=")
        place, finding = setup.path, f"grep {name}= {shlex.quote(setup.path)}"
        if not setup.path:
            place = f"the container {setup.title}"
            finding = f"podman exec {shlex.quote(setup.title)} printenv {name}"
        values[name] = Variable(value, place, finding)
    for text in setup.values("Secret"):
        secret, *options = text.split(",")
        words = dict(option.partition("=")[::2] for option in options)
        if words.get("type") != "env":
            notes.add("secrets", f"the secret {secret} is mounted as a file, which no word does")
            continue
        finding = f"podman secret inspect --showsecret --format {{{{.SecretData}}}} {secret}"
        values[words.get("target") or secret] = Variable(HIDDEN, f"the secret {secret}", finding)
    return values


def variable_words(
    values: Mapping[str, Variable], setup: Setup, state: ForeignState, notes: Notes
) -> dict[str, Any]:
    """Return the environment, where secrets come from, and what addresses (URLs) lead to."""
    hosts = _hosts(setup)
    words, rewritten = _database(values, state, hosts, notes)
    environment, secrets = {}, {}
    hidden = {name for name, variable in values.items() if HIDDEN in variable.value}
    for name, variable in values.items():
        # The app's tool leaves the name of a secret where its value was, under such a name.
        if name in _LEFT_OUT or (name.startswith("_") and name[1:] in hidden):
            continue
        value = rewritten.get(name, variable.value)
        if not setup.path and not looks_secret(name, "") and name not in DATABASE_URLS:
            notes.add("environment", f"{name}: its value stayed on the host ({variable.finding})")
        elif HIDDEN in value or looks_secret(name, value):
            source = f"env:ONETIME_{name}"
            if notes.accepted("secrets", {name: source}, variable.source):
                secrets[name] = source
                notes.add("secrets", f"{name} is in {variable.source}: {variable.finding}")
        elif notes.accepted("environment", {name: value}, variable.source):
            environment[name] = value
    services = _services(values, state, hosts, words.get("db_host"), notes)
    return words | {"services": services, "environment": environment, "secrets": secrets}


def _hosts(setup: Setup) -> dict[str, str]:
    """Return the addresses that the container's own hosts file has, by name."""
    pairs = (text.partition(":") for text in setup.values("AddHost") + setup.options("--add-host"))
    return {name: address for name, _, address in pairs}


def _url(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return None
    return url if url.hostname else None


def _database(
    values: Mapping[str, Variable],
    state: ForeignState,
    hosts: Mapping[str, str],
    notes: Notes,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the words of the database, and the variables that are to name it in another way."""
    name = next((name for name in DATABASE_URLS if name in values), None)
    url = _url(values[name].value) if name else None
    if name is None or url is None:
        observation = f"{name} stayed on the host" if name else "no address of it is told"
        notes.add(
            "db_host",
            f"{observation}: db_host, db_address and db_port say where the database is, as its "
            "address (URL) has it",
        )
        return {}, {}
    hostname, source = url.hostname or "", values[name].source
    address = _address(hostname)
    if address is None and hostname not in _HOST_ITSELF:
        return _named_database(hostname, url, source, state, hosts, notes), {}
    words = {
        "db_host": _MAINDB,
        "db_address": address or "host-gateway",
        "db_port": url.port or 6379,
    }
    if not notes.accepted("db_address", words["db_address"], source):
        return {}, {}
    userinfo, at, _ = url.netloc.rpartition("@")
    value = url._replace(netloc=f"{userinfo}{at}{_MAINDB}:{words['db_port']}").geturl()
    if HIDDEN in value:
        notes.add("secrets", f"{name}: write {_MAINDB} in place of {hostname} in its value")
    return words, {name: value}


def _named_database(
    name: str,
    url: SplitResult,
    source: str,
    state: ForeignState,
    hosts: Mapping[str, str],
    notes: Notes,
) -> dict[str, Any]:
    """Return the words of a database that is given by name."""
    words: dict[str, Any] = {"db_port": url.port or 6379}
    if notes.accepted("db_host", name, source):
        words["db_host"] = name
    if name in hosts:
        if notes.accepted("db_address", hosts[name], "AddHost="):
            words["db_address"] = hosts[name]
    elif name not in state.resolved:
        notes.add("db_address", f"the host does not resolve {name}: give its address")
    return words


def _address(hostname: str) -> str | None:
    """Return the address that a host's name is already, none if it is a name."""
    if hostname in _LOOPBACK:
        return "127.0.0.1"
    return hostname if re.fullmatch(r"[0-9.]+", hostname) else None


def _services(
    values: Mapping[str, Variable],
    state: ForeignState,
    hosts: Mapping[str, str],
    database: str | None,
    notes: Notes,
) -> dict[str, Any]:
    """Return the services that variables lead to, with the addresses that the host knows."""
    services: dict[str, Any] = {}
    for variable, name in _SERVICE_URLS.items():
        url = _url(values[variable].value) if variable in values else None
        if url is None or url.scheme not in _SERVICES:
            continue
        hostname = url.hostname or ""
        protocol, port, tls = _SERVICES[url.scheme]
        literal = _address(hostname)
        address = literal or hosts.get(hostname) or str(state.resolved.get(hostname, ""))
        if not address:
            notes.add(
                "services", f"{variable} leads to {hostname}, which the host does not resolve"
            )
        elif hostname != database:
            service = {"address": address, "port": url.port or port, "protocol": protocol}
            service |= {"tls": True} if tls else {}
            entry = {name if literal else hostname: service}
            if notes.accepted("services", entry, values[variable].source):
                services |= entry
    return services
