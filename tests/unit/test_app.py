"""What the real app would not start with, or would lose accounts by, is refused before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from plan.observed import Observed
from tests.unit.planned import altered, observed, plan_one, refusals

IMAGE = "ghcr.io/onetimesecret/onetimesecret:v0.26.19"
URL = "redis://maindb:6379/0"
FULL = {
    "AUTHENTICATION_MODE": "full",
    "AUTH_SECRET": "a" * 32,
    "ACCOUNT_ID_SECRET": "b" * 32,
    "AUTH_DATABASE_URL": "postgresql://authdb/onetime",
}


def app(values: Mapping[str, str], *, image: str = IMAGE, **data: Any) -> Observed:
    """Return a host of the real app whose variables are secrets, but for what is no secret."""
    open_words = {"AUTHENTICATION_MODE", "REDIS_URL"}
    host = observed(
        image=image,
        environment={name: text for name, text in values.items() if name in open_words},
        secrets={name: f"env:{name}" for name in values if name not in open_words},
        **data,
    )
    secrets = {name: text for name, text in values.items() if name not in open_words}
    return replace(
        host, secrets=secrets, installed=altered(host.installed, images={image: "0123456789ab"})
    )


def problems(values: Mapping[str, str], **data: Any) -> list[str]:
    return [str(problem) for problem in refusals({"h": app(values, **data)})]


GOOD = {"SECRET": "s3cret", "REDIS_URL": URL}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"REDIS_URL": "rediss://user:pass@maindb:6379/0"},
        {"REDIS_URL": "redis://elsewhere/0", "VALKEY_URL": "valkey://maindb"},
        {"AUTHENTICATION_MODE": "disabled"},
        FULL,
    ],
)
def test_app_that_has_what_it_needs_is_planned(more: dict[str, str]) -> None:
    assert problems(GOOD | more) == []


@pytest.mark.parametrize(
    ("values", "key", "seen"),
    [
        ({"REDIS_URL": URL}, "secrets", "SECRET is not given"),
        (GOOD | {"SECRET": "CHANGEME"}, "secrets", "SECRET is CHANGEME"),
        ({"SECRET": "x"}, "environment", "neither REDIS_URL nor VALKEY_URL is given"),
        (GOOD | {"REDIS_URL": "redis://127.0.0.1:6379"}, "environment", "REDIS_URL does not lead"),
        (GOOD | {"REDIS_URL": "redis://maindb:6380/0"}, "environment", "to maindb:6379"),
        (GOOD | {"REDIS_URL": "maindb:6379"}, "environment", "REDIS_URL does not lead"),
        (GOOD | {"REDIS_URL": "redis://[maindb/0"}, "environment", "REDIS_URL does not lead"),
        (GOOD | {"VALKEY_URL": "redis://other:6379"}, "secrets", "VALKEY_URL does not lead"),
        (GOOD | {"AUTHENTICATION_MODE": "fulll"}, "environment", "is none of simple, full"),
        (GOOD | FULL | {"AUTH_SECRET": "short"}, "secrets", "AUTH_SECRET is of less than 32"),
        (GOOD | FULL | {"ACCOUNT_ID_SECRET": ""}, "secrets", "ACCOUNT_ID_SECRET is not given"),
        (GOOD | FULL | {"AUTH_DATABASE_URL": "sqlite://data/auth.db"}, "secrets", "is a file in"),
        (
            {name: text for name, text in (GOOD | FULL).items() if name != "AUTH_DATABASE_URL"},
            "secrets",
            "AUTH_DATABASE_URL is not given",
        ),
    ],
)
def test_app_that_would_not_serve_is_refused(values: dict[str, str], key: str, seen: str) -> None:
    (line,) = problems(values)
    assert line.startswith(f"h: {key}: ")
    assert seen in line


def test_password_in_a_refused_address_is_not_quoted() -> None:
    (line,) = problems(GOOD | {"VALKEY_URL": "redis://:hunter2@other:6379"})
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "image",
    ["localhost/onetime-lab:1", "onetimesecret-fork:1", "registry.example/not-onetimesecret:1"],
)
def test_other_apps_are_left_alone(image: str) -> None:
    assert problems({}, image=image) == []


@pytest.mark.parametrize(
    "name", ["onetimesecret", f"x.example/a/onetimesecret-lite@sha256:{'12' * 32}"]
)
def test_app_is_told_by_its_images_name(name: str) -> None:
    assert problems({}, image=name)


def test_secrets_are_the_same_on_all_hosts() -> None:
    """But what is no secret of the app's may differ."""
    own = {"container_range": "10.0.0.160/27"}
    hosts = {"a": app(GOOD | {"OWN": "1"}), "b": app(GOOD | {"OWN": "2"}, **own)}
    assert refusals(hosts) == []
    hosts["b"] = app(GOOD | {"SECRET": "hunter2"}, **own)
    (line,) = map(str, refusals(hosts))
    assert line.startswith("b: secrets: SECRET is another than on a")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [("SMTP_PASSWORD", "x"), ("REDIS_URL", "redis://:p@maindb:6379/0"), ("A", "amqp://u:p@h")],
)
def test_secret_in_the_open_is_a_warning(name: str, value: str) -> None:
    plan = plan_one(observed(environment={name: value, "HOST": "a:b@c"}))
    (warning,) = [line for line in plan.warnings if "secret" in line]
    assert warning.startswith(f"environment: {name} looks like a secret")
