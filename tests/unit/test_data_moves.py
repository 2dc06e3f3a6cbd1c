"""Versions of the real app between which its data have to be moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.planned import altered, fresh, lines, observed, plan_one

APP = "ghcr.io/onetimesecret/onetimesecret"
VARIABLES = {"SECRET": "x" * 64, "REDIS_URL": "redis://maindb:6379/0"}


def told(before: str, after: str, **data: Any) -> list[str]:
    """Return the problems of a host that runs one image and is to run another."""
    seen = observed(image=after, environment=VARIABLES, **data)
    installed = altered(fresh(), release_images=(before,), images={after: "sha256:1"})
    return lines({"a": replace(seen, installed=installed)})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{APP}:v0.23.3", f"{APP}:v0.24.0"),
        (f"{APP}:v0.22.1", f"{APP}:v0.26.19"),
        (f"{APP}:v0.26.19", f"{APP}:v0.23.5"),
        ("registry.example/onetimesecret:0.23.5-rc1", f"{APP}:v0.26.6@sha256:{'1' * 64}"),
    ],
)
def test_image_across_a_move_of_data_is_refused_unless_accepted(before: str, after: str) -> None:
    (line,) = told(before, after)
    assert line.startswith(f"a: image: from {before} to {after} the app looks for its data els")
    assert told(before, after, accept_data_move=True) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{APP}:v0.24.0", f"{APP}:v0.26.19"),
        (f"{APP}:v0.22.0", f"{APP}:v0.23.5"),
        (f"{APP}:current", f"{APP}:v0.26.19"),
        (f"{APP}:v0.23.0", f"{APP}:latest"),
        (f"{APP}:v0.23.0", "localhost/another:v0.26.0"),
        (f"{APP}@sha256:{'1' * 64}", f"{APP}:v0.26.19"),
    ],
)
def test_image_of_the_same_or_an_unknown_kind_is_taken(before: str, after: str) -> None:
    assert told(before, after) == []


def test_real_app_logs_json_unless_told_otherwise() -> None:
    seen = observed(image=f"{APP}:v0.26.19", environment=VARIABLES)
    seen = replace(seen, installed=altered(fresh(), images={f"{APP}:v0.26.19": "sha256:1"}))
    assert "LOG_FORMATTER=json\n" in plan_one(seen).file("environment").content
    own = VARIABLES | {"LOG_FORMATTER": "default"}
    settings = seen.settings.model_copy(update={"environment": own})
    text = plan_one(replace(seen, settings=settings)).file("environment").content
    assert "LOG_FORMATTER=default\n" in text
    assert "json" not in text
    assert "LOG_FORMATTER" not in plan_one(observed()).file("environment").content
