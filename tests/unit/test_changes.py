"""A host that is as planned is left alone; each deviation asks for its own repair and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.installed import InstalledState
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.release import About, Entry
from plan.compare.changes import compare
from plan.compare.files import sha256
from plan.model import HostPlan
from tests.unit.planned import PARTS, altered, as_planned, fresh, observed, plan_one

PLAN = plan_one(observed(shim=True, secrets={"KEY": "env:KEY"}, environment={"A": "1"}))
HOST = as_planned(PLAN)
NOTHING = dataclasses.asdict(compare(PLAN, HOST))

Deviation = Callable[[InstalledState], InstalledState]
# What a new release is: numbered after the last, and read by systemd.
RELEASE = {"release": 4, "reload": True}
ALL = {"restart": (7043, 7044)}
RULES = {"host_network": True}


def put(field: str, **items: Any) -> Deviation:
    """Return a deviation: other items in one of the host's mappings; None takes one away."""

    def deviate(host: InstalledState) -> InstalledState:
        part, name = PARTS[field]
        mapping: Mapping[str, Any] = {**getattr(getattr(host, part), name), **items}
        left = {key: value for key, value in mapping.items() if value is not None}
        return altered(host, **{field: left})

    return deviate


def become(**fields: Any) -> Deviation:
    return lambda host: altered(host, **fields)


def shim(**fields: Any) -> Deviation:
    assert HOST.shim is not None
    return become(shim=dataclasses.replace(HOST.shim, **fields))


def file(path: str, entry: Entry | None) -> Deviation:
    return put("entries", **{path: entry})


def instance(**fields: Any) -> Deviation:
    changed = dataclasses.replace(HOST.podman.containers["onetime-7043"], **fields)
    return put("containers", **{"onetime-7043": changed})


NETWORK = HOST.podman.networks["onetime"]
STRANGER = PodmanNetwork("mine", (), None)
LEFT = Container("onetime-7050", True, "0")
TEMPLATE = PLAN.file("quadlet/onetime@.container").content
DROP = "inet filter forward"
RULE = "ip onetime own"

DEVIATIONS: dict[str, tuple[Deviation, dict[str, Any]]] = {
    "image gone": (become(images={}), {"image": "pull"}),
    "file edited": (file("quadlet/onetime@.container", Entry("0" * 64, mode=0o644)), RELEASE),
    "file unreadable": (file("environment", Entry("", mode=0o600)), RELEASE),
    "file gone": (file("environment", None), RELEASE),
    "file too many": (file("quadlet/mine.container", Entry("0" * 64, mode=0o644)), RELEASE),
    "file readable": (file("environment", Entry(sha256("A=1\n"), mode=0o644)), RELEASE),
    "link gone": (file("quadlet/onetime@7043.container", None), RELEASE),
    "link is a file": (
        file("quadlet/onetime@7043.container", Entry(sha256(TEMPLATE), mode=0o644)),
        RELEASE,
    ),
    "quadlet link gone": (put("links", **{"/etc/containers/systemd/onetime": None}), RELEASE),
    "not reloaded": (become(loaded=frozenset({"/etc/onetime/releases/2/x"})), {"reload": True}),
    "nothing loaded": (become(loaded=frozenset()), {"reload": True}),
    "container gone": (put("containers", **{"onetime-7043": None}), {"restart": (7043,)}),
    "container stopped": (instance(running=False), {"restart": (7043,)}),
    "container from before": (instance(config="0"), {"restart": (7043,)}),
    "unit failed": (put("units", **{"onetime@7044.service": "failed"}), {"restart": (7044,)}),
    "leftover unit": (put("units", **{"onetime@7050.service": "active"}), {"stop": (7050,)}),
    "leftover restarting": (
        put("units", **{"onetime@7050.service": "activating"}),
        {"stop": (7050,)},
    ),
    "leftover container": (put("containers", **{"onetime-7050": LEFT}), {"stop": (7050,)}),
    "old failure": (put("units", **{"onetime@7050.service": "failed"}), {}),
    "network gone": (put("networks", onetime=None), {"networks": ("onetime",), **ALL}),
    "network from before": (
        put("networks", onetime=dataclasses.replace(NETWORK, config="0")),
        {"networks": ("onetime",), **ALL},
    ),
    "network of nobody": (put("networks", mine=STRANGER), {}),
    "secret gone": (put("secrets", **{"onetime-KEY-1": None}), {"secrets": PLAN.secrets}),
    # Those that no release names any more go with the next change.
    "secret too many": (
        put("secrets", **{"onetime-OLD-1": PodmanSecret("onetime-OLD-1", "0")}),
        {},
    ),
    "host unit failed": (put("units", **{"onetime-host-network.service": "failed"}), RULES),
    "watcher stopped": (
        put("units", **{"onetime-firewall.service": "inactive"}),
        {"reload": True},
    ),
    "watcher about to start": (put("units", **{"onetime-firewall.service": "activating"}), {}),
    "guard gone": (
        become(unguarded=frozenset({"onetime-7043"})),
        {"guard": ("onetime-7043",)},
    ),
    "guard of something else": (become(unguarded=frozenset({"onetime-7050"})), {}),
    "firewalld knows the bridge": (become(trusted=frozenset({"10.89.43.0/24"})), {}),
    "firewalld has forgotten the bridge": (
        become(trusted=frozenset({"10.1.0.0/24"})),
        {"guard": ("onetime-7043", "onetime-7044")},
    ),
    "rules gone": (become(rules={}), RULES),
    "rules from before": (become(rules={**HOST.firewall.rules, RULE: ("0",)}), RULES),
    "rules doubled": (become(rules={**HOST.firewall.rules, RULE: (PLAN.rules_config,) * 2}), RULES),
    "no forwarding": (become(forwarding=False), RULES),
    "rules left behind in a chain": (
        become(rules={**HOST.firewall.rules, DROP: (PLAN.rules_config,)}),
        RULES,
    ),
    "a firewall that drops": (become(barriers={DROP: "forward"}), RULES),
    "a firewall that drops what comes in": (become(barriers={DROP: "input"}), RULES),
    "a firewall that drops what goes out": (become(barriers={DROP: "output"}), {}),
    "a rule that another one makes useless": (
        become(rules={**HOST.firewall.rules, DROP: ("0",)}, barriers={DROP: "forward"}),
        RULES,
    ),
    "a firewall that lets through": (
        become(
            rules={**HOST.firewall.rules, DROP: (PLAN.rules_config,)}, barriers={DROP: "forward"}
        ),
        {},
    ),
    "shim gone": (become(shim=None), RULES),
    "shim down": (shim(up=False), RULES),
    "shim on another card": (shim(parent="eth0"), RULES),
    "shim of another kind": (shim(kind="macvtap"), RULES),
    "shim with another MAC": (shim(mac="02:00:00:00:00:01"), RULES),
    "shim without address": (shim(addresses=frozenset()), RULES),
    "shim with one more": (shim(addresses=HOST.shim.addresses | {"10.0.0.3/32"}), RULES),  # type: ignore[union-attr]
    "shim without route": (shim(routes=frozenset()), RULES),
}


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
    there = Entry(sha256("A=2\n"), mode=0o600)
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


@pytest.mark.parametrize(
    ("deviation", "switch", "told"),
    [
        ("old failure", None, ""),
        ("image gone", None, ""),
        ("secret gone", None, ""),
        ("not reloaded", (3, 3), ""),
        ("file edited", (3, 4), ""),
        ("container stopped", (3, 3), "start 7043"),
        ("leftover unit", (3, 3), "stop 7050"),
        ("rules gone", (3, 3), "set the host's rules and shim"),
        ("network gone", (3, 3), "make the networks onetime; start 7043, 7044"),
    ],
)
def test_switch_says_what_it_goes_between_and_does(
    deviation: str, switch: tuple[int, int] | None, told: str
) -> None:
    changes = compare(PLAN, DEVIATIONS[deviation][0](HOST))
    assert (changes.switch, changes.summary()) == (switch, told)


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
    assert "follow the image's name, from 111111111111 to 222222222222" in changes.summary()


def test_instance_that_runs_another_image_is_restarted() -> None:
    containers = {**running(ID), "onetime-7044": running(NEW_ID)["onetime-7044"]}
    host = altered(with_image(ID, ID, ID), containers=containers)
    changes = compare(PLAN, host)
    assert (changes.release, changes.restart, changes.switch) == (None, (7044,), (3, 3))


def test_image_of_another_name_has_not_moved() -> None:
    host = altered(with_image(NEW_ID, ID, NEW_ID), release_images=("other:1",))
    assert compare(PLAN, host).moved is None
