"""What the real app needs of its variables, or it would end at its start, or lose accounts.

Told apart from any other app by its image's name. From its sources and from running v0.26 itself;
values that may be private are never quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from plan.inventory.mounts import inside
from plan.inventory.settings import Settings
from plan.observed import Observed
from plan.problems import Problem

# What it takes for a secret, and what has to be the same wherever it runs.
SECRETS = (
    "SECRET",
    "SESSION_SECRET",
    "IDENTIFIER_SECRET",
    "SECRET_PREVIOUS",
    "AUTH_SECRET",
    "ACCOUNT_ID_SECRET",
    "ARGON2_SECRET",
    "FEDERATION_SECRET",
    "AUTH_DATABASE_URL",
    "AUTH_DATABASE_URL_MIGRATIONS",
    "RABBITMQ_URL",
    "SMTP_PASSWORD",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SIGNING_SECRET",
)
# The first wins.
DATABASE_URLS = ("VALKEY_URL", "REDIS_URL")
_SCHEMES = ("redis", "rediss", "valkey", "valkeys")
# Accounts in SQL.
_FULL_MODE = ("AUTH_SECRET", "ACCOUNT_ID_SECRET")
_MODES = ("simple", "full", "disabled")
_LEAST_BYTES = 32
_PLACEHOLDER = "CHANGEME"
# Where it runs in its container.
_HOME = "/app"


def check_app(host: str, settings: Settings, secrets: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what the real app would not start with, or would lose accounts by.

    + secrets: the values of the secret variables
    """
    if not settings.runs_app:
        return
    values = {**settings.environment, **secrets}
    secret = values.get("SECRET", "")
    if not secret or secret == _PLACEHOLDER:
        state = f"SECRET is {_PLACEHOLDER}" if secret else "SECRET is not given"
        advice = 'Give it, such as {"SECRET": "env:ONETIME_SECRET"}'
        yield Problem(host, "secrets", f"{state}, and the app ends at its start", advice)
    yield from _database(host, settings, values)
    mode = values.get("AUTHENTICATION_MODE", "simple")
    if mode not in _MODES:
        observation = f"AUTHENTICATION_MODE is none of {', '.join(_MODES)}"
        yield Problem(host, "environment", observation, "Correct it, or leave it out for simple")
    if mode == "full":
        yield from _accounts(host, settings, values)


def _database(host: str, settings: Settings, values: Mapping[str, str]) -> Iterator[Problem]:
    word = next((word for word in DATABASE_URLS if word in values), None)
    example = f"redis://{settings.db_host}:{settings.db_port}/0"
    if word is None:
        yield Problem(
            host,
            "environment",
            f"neither {' nor '.join(reversed(DATABASE_URLS))} is given, and the app ends at its "
            "start",
            f'Give it, such as {{"REDIS_URL": "{example}"}}; one with a password is a secret',
        )
        return
    key = "secrets" if word in settings.secrets else "environment"
    try:
        url = urlsplit(values[word])
        hostname, port = url.hostname, url.port or 6379
    except ValueError:
        hostname, port, url = None, 0, urlsplit("")
    if url.scheme not in _SCHEMES or (hostname, port) != (settings.db_host, settings.db_port):
        yield Problem(
            host,
            key,
            f"{word} does not lead to {settings.db_host}:{settings.db_port}, the database that "
            "db_host and db_port name",
            f"Write it as {example}, or name that database by db_host, db_address and db_port",
        )


def _accounts(host: str, settings: Settings, values: Mapping[str, str]) -> Iterator[Problem]:
    for word in _FULL_MODE:
        if len(values.get(word, "").encode()) < _LEAST_BYTES:
            state = f"of less than {_LEAST_BYTES} bytes" if values.get(word) else "not given"
            observation = f"{word} is {state}, and AUTHENTICATION_MODE is full"
            yield Problem(host, "secrets", observation, "Give one of 32 bytes or more")
    url = values.get("AUTH_DATABASE_URL", "sqlite:")
    if url.startswith("sqlite:") and not _keeps_alone(settings, url):
        state = "is a file in the container" if "AUTH_DATABASE_URL" in values else "is not given"
        yield Problem(
            host,
            "secrets",
            f"AUTH_DATABASE_URL {state}, so each instance would have accounts of its own, and "
            "lose them when it starts anew",
            "Give the address of a PostgreSQL database; a file in one of volumes does for a single "
            "instance",
        )


def _keeps_alone(settings: Settings, url: str) -> bool:
    """Tell whether a file holds the accounts of one instance, and outlives it."""
    path = str(PurePosixPath(_HOME) / url.removeprefix("sqlite://"))
    return len(settings.instances) == 1 and any(inside(path, it) for it in settings.volumes)


def exposed(settings: Settings) -> Iterator[str]:
    """Yield a warning per variable in `environment` that looks like a secret."""
    for name, value in settings.environment.items():
        if looks_secret(name, value):
            yield (
                f"environment: {name} looks like a secret, and every local user of the host can "
                "read what stands there: move it to secrets"
            )


def looks_secret(name: str, value: str) -> bool:
    """Tell whether a variable looks like a secret, by its name or by a password in an address."""
    has_password = re.match(r"[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]+@", value)
    return name in SECRETS or has_password is not None


def check_shared(observed: Mapping[str, Observed]) -> Iterator[Problem]:
    """Yield the secrets of the real app that differ between hosts: they share one database.

    And accounts in a file, which only one host can have.
    """
    holders: dict[str, tuple[str, str]] = {}
    for name, host in sorted(observed.items()):
        if not host.settings.runs_app:
            continue
        values = {**host.settings.environment, **host.secrets}
        for word in SECRETS:
            if word not in values:
                continue
            holder, value = holders.setdefault(word, (name, values[word]))
            if value != values[word]:
                yield Problem(
                    name,
                    "secrets",
                    f"{word} is another than on {holder}, and what one host writes the other could "
                    "not read",
                    "Give all hosts of one installation the same",
                )
    yield from _shared_accounts(observed)


def _shared_accounts(observed: Mapping[str, Observed]) -> Iterator[Problem]:
    hosts = [name for name, host in sorted(observed.items()) if host.settings.runs_app]
    for name in hosts:
        values = {**observed[name].settings.environment, **observed[name].secrets}
        url = values.get("AUTH_DATABASE_URL", "sqlite:")
        is_file = values.get("AUTHENTICATION_MODE") == "full" and url.startswith("sqlite:")
        if is_file and len(hosts) > 1 and observed[name].settings.volumes:
            neighbour = next(neighbour for neighbour in hosts if neighbour != name)
            yield Problem(
                name,
                "secrets",
                f"AUTH_DATABASE_URL is a file on this host, where {neighbour} would not see its "
                "accounts",
                "Give the address of a PostgreSQL database",
            )
