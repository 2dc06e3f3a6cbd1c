"""What a deploy will do is told in words: every part of a change, with its reason, and no more."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from facts.release import About
from plan.compare.actions import actions, plan_id
from plan.compare.changes import compare
from plan.host import plan_nothing
from plan.model import HostPlan
from plan.observed import Observed
from tests.unit import tunnels
from tests.unit.deviations import DEVIATIONS, HOST, PLAN
from tests.unit.planned import altered, as_planned, fresh, observed, plan_one

BEFORE: dict[str, Any] = {
    "shim": True,
    "secrets": {"KEY": "env:KEY"},
    "environment": {"A": "1"},
}


def told(plan: HostPlan = PLAN, installed: Any = HOST, *, commands: bool = False) -> list[str]:
    changes = compare(plan, installed)
    return [str(action) for action in actions(plan, installed, changes, commands=commands)]


def after(installed: Any = HOST, files: dict[str, str] | None = None, **data: Any) -> list[str]:
    """Return what is told where a host that is as it was planned gets other words."""
    host = observed(**(BEFORE | data))
    return told(
        plan_one(dataclasses.replace(host, installed=installed, files=files or {})), installed
    )


def test_host_that_is_as_planned_has_nothing_to_do() -> None:
    assert told() == []


def test_new_host_is_told_from_the_image_to_the_last_start() -> None:
    host = altered(fresh(), images={})
    assert told(installed=host) == [
        f"pull {PLAN.settings.image}: the host does not have it",
        "make secret onetime-KEY-1: KEY has a value of its own now",
        "set the host's rules, forwarding and shim: mode macvlan needs them",
        "make network onetime: it is new",
        "make network onetime-publish: it is new",
        "start 7043, 7044: the host is new",
    ]


@pytest.mark.parametrize(
    ("deviation", "sentences"),
    [
        ("old failure", []),
        ("image gone", [f"pull {PLAN.settings.image}: the host does not have it"]),
        ("not reloaded", ["have systemd read the release again: it has not read all of it"]),
        ("file edited", ["make a new release: 1 file of it changed"]),
        ("container stopped", ["start 7043: it does not run"]),
        ("container gone", ["start 7043: it does not run"]),
        (
            "container from before",
            ["start again 7043: it does not run from what the release says"],
        ),
        ("leftover unit", ["stop 7050: the inventory no longer has them"]),
        (
            "guard gone",
            ["guard onetime-7043 anew: the rules inside are not those of the plan"],
        ),
        (
            "rules gone",
            [
                "set the host's rules, forwarding and shim: "
                "the host's own are not those of the release"
            ],
        ),
        (
            "network gone",
            [
                "make network onetime anew: the host's own is not the planned one, "
                "which stops 7043, 7044 together",
                "start again 7043, 7044: its network is made anew",
            ],
        ),
    ],
)
def test_deviation_is_told_with_its_repair(deviation: str, sentences: list[str]) -> None:
    assert told(installed=DEVIATIONS[deviation][0](HOST)) == sentences


@pytest.mark.parametrize("name", DEVIATIONS)
def test_something_is_told_where_something_is_done(name: str) -> None:
    host = DEVIATIONS[name][0](HOST)
    assert bool(told(installed=host)) == compare(PLAN, host).any


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"environment": {"A": "2"}}, "start again 7043, 7044: environment changed"),
        (
            {"image": "example/other:2"},
            f"start again 7043, 7044: image {PLAN.settings.image} → example/other:2",
        ),
        ({"instances": [7043, 7044, 7045]}, "start 7045: new in the inventory"),
        ({"instances": [7043]}, "stop 7044: the inventory no longer has them"),
        ({"health_path": "/other"}, "start again 7043, 7044: its unit changed"),
        ({"network_mode": "direct"}, "remove network onetime: mode direct has none"),
        (
            {"container_range": "10.0.0.160/27"},
            "make network onetime anew: its definition changed, which stops 7043, 7044 together",
        ),
        (
            {"lan_clients": ["10.0.0.9"]},
            "guard onetime-7043, onetime-7044 anew: the rules inside are not those of the plan",
        ),
        ({"workers": ["emails"]}, "start emails: new in the inventory"),
    ],
)
def test_change_of_the_inventory_is_told_with_what_it_changes(
    data: dict[str, Any], sentence: str
) -> None:
    host = altered(HOST, release_images=(PLAN.settings.image,))
    assert sentence in after(host, **data)


def test_another_value_of_a_secret_is_told_by_its_name() -> None:
    host = altered(HOST, release_images=(PLAN.settings.image,))
    other = dataclasses.replace(
        observed(**BEFORE), installed=host, secrets={"KEY": "another value"}
    )
    sentences = told(plan_one(other), host)
    assert "make secret onetime-KEY-2: KEY has a value of its own now" in sentences
    assert "start again 7043, 7044: secrets KEY" in sentences
    assert "another value" not in "".join(sentences)


def test_files_are_told_by_where_they_are_in_the_container() -> None:
    assert "start again 7043, 7044: file /app/etc/a.yaml, its unit changed" in after(
        files={"/app/etc/a.yaml": "a: 1\n"}
    )


ID, NEW_ID = "1" * 64, "2" * 64


def test_name_and_tag_that_have_moved_are_told_with_their_way() -> None:
    kept = {3: About("2026-01-01T00:00:00Z", "me@here", ID)}
    containers = {
        name: dataclasses.replace(live, image=ID) for name, live in HOST.podman.containers.items()
    }
    images = {PLAN.settings.image: NEW_ID}
    host = altered(HOST, images=images, kept=kept, containers=containers)
    image = PLAN.settings.image
    assert told(installed=altered(host, release_images=(image,))) == [
        f"start again 7043, 7044: image {image}, its name has moved 111111111111 → 222222222222"
    ]
    plan = dataclasses.replace(PLAN, moved_tag=(f"sha256:{ID}", f"sha256:{NEW_ID}"))
    way = "sha256:111111111111 → sha256:222222222222"
    assert told(plan, host) == [
        f"pull {image}: its tag has moved {way}",
        f"start again 7043, 7044: image {image}, its tag has moved {way}",
    ]


def test_tunnels_and_jobs_are_told_by_what_is_theirs() -> None:
    words: dict[str, Any] = {"workers": ["emails"]}
    before = tunnels.host(**words)
    image = plan_one(before).settings.tunnel
    assert image is not None
    installed = as_planned(plan_one(before))
    assert f"pull {image.image}: the host does not have it" in told(plan_one(before), installed)
    images = {**installed.podman.images, image.image: "sha256:2"}
    installed = altered(installed, images=images, kernel_links=frozenset({"tun"}))

    def other(**data: Any) -> list[str]:
        host = dataclasses.replace(tunnels.host(**(words | data)), installed=installed)
        return told(plan_one(host), installed)

    assert other() == []
    assert other(worker_command=["bin/other"]) == ["start again emails: its command changed"]
    direct = dataclasses.replace(observed(network_mode="direct", **words), installed=installed)
    sentences = told(plan_one(direct), installed)
    assert "stop the tunnels of 7043, 7044: the mode has none" in sentences


def test_release_command_is_told_where_it_runs() -> None:
    host = observed(release_command=["bin/ots", "migrate", "--run", "a b"], **BEFORE)
    plan = plan_one(dataclasses.replace(host, installed=HOST))
    sentence = "run bin/ots migrate --run 'a b': once for all hosts, before any of them changes"
    assert sentence in told(plan, HOST, commands=True)
    assert sentence not in told(plan, HOST)


def test_teardown_has_words_too() -> None:
    plan = plan_nothing("h", PLAN.settings)
    assert "stop 7043, 7044: the inventory no longer has them" in told(plan)


def named(*hosts: Observed) -> str:
    plans = {f"h{number}": plan_one(host) for number, host in enumerate(hosts)}
    changes = {
        name: compare(plan, host.installed)
        for (name, plan), host in zip(plans.items(), hosts, strict=True)
    }
    return plan_id(plans, changes)


def test_id_is_another_for_any_other_plan() -> None:
    host = observed(**BEFORE)
    there = dataclasses.replace(host, installed=HOST)
    ids = [
        named(host),
        named(there),
        named(host, there),
        named(observed(**(BEFORE | {"environment": {"A": "2"}}))),
        named(dataclasses.replace(host, secrets={"KEY": "another value"})),
        named(dataclasses.replace(there, installed=DEVIATIONS["container stopped"][0](HOST))),
        named(dataclasses.replace(there, installed=DEVIATIONS["file edited"][0](HOST))),
    ]
    assert len(set(ids)) == len(ids)
    assert named(host) == ids[0]
    # pyinfra takes what looks like a number for one.
    assert all(it.startswith("p") and it.isalnum() for it in ids)
