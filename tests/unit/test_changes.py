"""A host that is as planned is left alone; each deviation asks for its own repair and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.installed import InstalledState
from facts.podman import Container
from facts.release import About, Entry
from plan.compare.changes import compare
from plan.compare.files import sha256
from plan.model import HostPlan
from tests.unit.deviations import (
    ALL,
    DEVIATIONS,
    HOST,
    NOTHING,
    PLAN,
    RELEASE,
    RULES,
    become,
    file,
    put,
)
from tests.unit.planned import altered, fresh, observed, plan_one


def changed(host: InstalledState, plan: HostPlan = PLAN) -> dict[str, Any]:
    """Return what is to be changed, beside the diffs, which say why there is a release."""
    changes = dataclasses.asdict(compare(plan, host))
    return {k: v for k, v in changes.items() if v != NOTHING[k] and k != "files"}


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(map(dataclasses.asdict, value)) if key == "secrets" else value
        for key, value in expected.items()
    }


def test_host_that_is_as_planned_is_left_alone() -> None:
    assert not any(value for key, value in NOTHING.items() if key != "current")
    assert NOTHING["current"] == 3


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviation_asks_for_its_own_repair(name: str) -> None:
    deviate, expected = DEVIATIONS[name]
    assert changed(deviate(HOST)) == plain(expected)


@given(st.sets(st.sampled_from(sorted(DEVIATIONS)), min_size=2, max_size=6))
def test_deviations_together_ask_for_all_repairs(names: set[str]) -> None:
    host, expected = HOST, set[str]()
    for name in sorted(names):
        deviate, repair = DEVIATIONS[name]
        host = deviate(host)
        expected |= repair.keys()
    # Some deviations undo others, such as a container gone and one stopped; none adds a repair.
    assert changed(host).keys() <= expected


def test_fresh_host_gets_everything() -> None:
    assert changed(fresh()) == plain(
        {
            "current": None,
            "release": 1,
            "reload": True,
            "secrets": PLAN.secrets,
            "networks": ("onetime", "onetime-publish"),
            **RULES,
            **ALL,
        }
    )
    created = compare(PLAN, fresh()).files
    assert {change.path for change in created} == {
        *(one.path for one in PLAN.files),
        *(one.path for one in PLAN.links),
    }
    assert all(change.before is None and change.after is not None for change in created)


def test_change_of_a_file_holds_its_entry_and_the_whole_text() -> None:
    there = Entry(sha256(b"A=2\n"), mode=0o600)
    (change,) = compare(PLAN, file("environment", there)(HOST)).files
    assert (change.path, change.before, change.after) == ("environment", there, "A=1\n")


@pytest.mark.parametrize(
    ("data", "restarted", "others"),
    [
        ({"instances": [7044, 7045]}, (7045,), {*RULES, *RELEASE, "stop"}),
        ({"environment": {"A": "2"}}, (7043, 7044), {"release", "reload"}),
        ({"container_range": "10.0.0.160/27"}, (7043, 7044), {*RULES, *RELEASE, "networks"}),
        ({"publish_subnet": "10.89.77.0/24"}, (7043, 7044), {*RULES, *RELEASE, "networks"}),
        ({"shim": False}, (), {*RULES, *RELEASE, "guard"}),
        ({"lan_clients": ["10.0.0.9"]}, (), {*RELEASE, "guard"}),
        ({"db_address": "10.0.0.9"}, (7043, 7044), {*RELEASE}),
        ({"image": "example/other:2"}, (7043, 7044), {*RELEASE, "image"}),
        ({"network_mode": "direct"}, (7043, 7044), {*RULES, *RELEASE, "networks"}),
    ],
)
def test_inventorys_change_restarts_only_what_it_concerns(
    data: dict[str, Any], restarted: tuple[int, ...], others: set[str]
) -> None:
    before: dict[str, Any] = {
        "shim": True,
        "secrets": {"KEY": "env:KEY"},
        "environment": {"A": "1"},
    }
    seen = observed(**(before | data))
    after = plan_one(dataclasses.replace(seen, installed=HOST))
    changes = changed(HOST, after)
    assert changes.pop("restart", ()) == restarted
    assert changes.keys() == others


def test_first_switch_goes_from_nothing() -> None:
    assert compare(PLAN, fresh()).switch == (0, 1)


def test_host_as_planned_has_nothing_to_lock_for() -> None:
    assert not compare(PLAN, HOST).any
    assert compare(PLAN, become(images={})(HOST)).any
    assert compare(PLAN, put("secrets", **{"onetime-KEY-1": None})(HOST)).any


ID, NEW_ID = "1" * 64, "2" * 64


def running(image: str) -> dict[str, Container]:
    return {
        name: dataclasses.replace(container, image=image)
        for name, container in HOST.podman.containers.items()
    }


def with_image(now: str, made_with: str, runs: str) -> InstalledState:
    """Return the host with what the image's name stands for, stood for, and what runs."""
    kept = {3: About("2026-01-01T00:00:00Z", "me@here", made_with)}
    return altered(HOST, images={PLAN.settings.image: now}, kept=kept, containers=running(runs))


def test_image_that_is_what_it_was_changes_nothing() -> None:
    assert not compare(PLAN, with_image(ID, ID, ID)).any


def test_name_that_has_moved_is_a_release_of_its_own() -> None:
    changes = compare(PLAN, with_image(NEW_ID, ID, ID))
    assert (changes.release, changes.restart, changes.moved) == (4, (7043, 7044), (ID, NEW_ID))


def test_instance_that_runs_another_image_is_restarted() -> None:
    containers = {**running(ID), "onetime-7044": running(NEW_ID)["onetime-7044"]}
    host = altered(with_image(ID, ID, ID), containers=containers)
    changes = compare(PLAN, host)
    assert (changes.release, changes.restart, changes.switch) == (None, (7044,), (3, 3))


def test_image_of_another_name_has_not_moved() -> None:
    host = altered(with_image(NEW_ID, ID, NEW_ID), release_images=("other:1",))
    assert compare(PLAN, host).moved is None


def test_tag_that_has_moved_is_a_release_of_its_own() -> None:
    """What it stands for comes before the switch, which compares IDs: so this counts on it."""
    digests = (f"sha256:{ID}", f"sha256:{NEW_ID}")
    plan = dataclasses.replace(PLAN, moved_tag=digests)
    # That the name has moved on the host, too, is not where it goes.
    for now in (ID, NEW_ID):
        changes = compare(plan, with_image(now, ID, ID))
        assert (changes.image, changes.release, changes.switch) == ("pull", 4, (3, 4))
        assert (changes.restart, changes.moved) == ((7043, 7044), None)
