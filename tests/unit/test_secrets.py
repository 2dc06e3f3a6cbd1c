"""A secret's value is never changed under its name."""

from __future__ import annotations

import dataclasses

from plan.secrets import numbered
from tests.unit.planned import as_planned, observed, plan_one

PLAN = plan_one(observed(secrets={"KEY": "env:KEY"}))
HOST = as_planned(PLAN)
VALUE = {"KEY": PLAN.secrets[0].value}


def names(values: dict[str, str], host: object = HOST) -> list[str]:
    return [secret.name for secret in numbered(PLAN.host, values, host)]  # type: ignore[arg-type]


def test_the_same_value_is_the_same_secret() -> None:
    assert names(VALUE) == ["onetime-KEY-1"]
    assert (
        "Secret=onetime-KEY-1,type=env,target=KEY"
        in PLAN.file("quadlet/onetime@.container").content
    )


def test_another_value_is_another_secret_and_the_first_one_stays_what_it_was() -> None:
    assert names({"KEY": "other"}) == ["onetime-KEY-2"]
    assert names({"KEY": "other", "KEY2": "x"}) == ["onetime-KEY-2", "onetime-KEY2-1"]


def test_a_number_that_the_current_release_names_is_never_given_to_another_value() -> None:
    gone = dataclasses.replace(HOST, secrets={})
    assert names({"KEY": "other"}, gone) == ["onetime-KEY-2"]
    assert names(VALUE, gone) == ["onetime-KEY-2"]
