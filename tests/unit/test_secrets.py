"""A secret's value is never changed under its name."""

from __future__ import annotations

from facts.podman import PodmanSecret
from plan.release.secrets import numbered
from tests.unit.planned import altered, as_planned, observed, plan_one

PLAN = plan_one(observed(secrets={"KEY": "env:KEY"}))
HOST = as_planned(PLAN)
VALUE = {"KEY": PLAN.secrets[0].value}


def names(values: dict[str, str], host: object = HOST) -> list[str]:
    return [secret.name for secret in numbered(PLAN.host, values, host)]  # type: ignore[arg-type]


def test_same_value_is_the_same_secret() -> None:
    assert names(VALUE) == ["onetime-KEY-1"]
    assert (
        "Secret=onetime-KEY-1,type=env,target=KEY"
        in PLAN.file("quadlet/onetime@.container").content
    )


def test_value_that_changes_is_another_secret() -> None:
    assert names({"KEY": "other"}) == ["onetime-KEY-2"]
    assert names({"KEY": "other", "KEY2": "x"}) == ["onetime-KEY-2", "onetime-KEY2-1"]


def test_secrets_of_others_are_not_counted() -> None:
    strange = PodmanSecret("onetime-theirs", None)
    seen = altered(HOST, secrets={**HOST.podman.secrets, strange.name: strange})
    assert names({"KEY": "other"}, seen) == ["onetime-KEY-2"]


def test_number_in_the_current_release_is_never_given_again() -> None:
    gone = altered(HOST, secrets={})
    assert names({"KEY": "other"}, gone) == ["onetime-KEY-2"]
    assert names(VALUE, gone) == ["onetime-KEY-2"]
