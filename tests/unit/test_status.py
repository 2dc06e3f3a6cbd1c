"""What runs is told beside what is planned, and whatever is amiss has a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from facts.gates import Drain
from facts.installed import InstalledState
from facts.reading import decode
from facts.running import Running, RunningContainer, RunningState, RunningUnit
from plan.compare.changes import compare
from plan.compare.status import Row, findings, rows
from plan.model import HostPlan
from rollout.status import duration
from tests.unit.kernel import answers_text
from tests.unit.observed import FIXTURES
from tests.unit.planned import altered, as_planned, observed, plan_one
from tests.unit.tunnels import host as tunnelled

SEEN = observed()
PLAN = plan_one(SEEN)
DRAIN = Drain("2026-11-30T20:00:00Z", "me@here", "")
CAPTURED = (FIXTURES / "running").read_text().splitlines()


def running(plan: HostPlan = PLAN, **fields: Any) -> RunningState:
    """Return what is seen of a host that runs all that is planned."""
    units = {
        unit: RunningUnit("active", 0, 90)
        for it in plan.instances
        for unit in it.containers.values()
    }
    names = [name for it in plan.instances for name in it.containers]
    state = RunningState(
        units=units,
        containers={name: RunningContainer("localhost/onetime-lab:1", "healthy") for name in names},
        closed=frozenset(),
        holder=None,
        change=None,
    )
    return replace(state, **fields)


def told(seen: RunningState, installed: InstalledState | None = None) -> list[str]:
    installed = installed or as_planned(PLAN)
    return list(findings(PLAN, replace(SEEN, installed=installed), seen, compare(PLAN, installed)))


def table(seen: RunningState, plan: HostPlan = PLAN) -> list[Row]:
    installed = as_planned(plan)
    known = replace(SEEN, installed=installed)
    return list(rows(plan, known, seen, compare(plan, installed)))


def answers(**changed: str) -> list[str]:
    return answers_text(decode(CAPTURED) | changed)


def test_answer_of_a_real_host_is_read() -> None:
    seen = Running().process(CAPTURED)
    assert set(seen.units) == {"onetime@7043.service", "onetime@7044.service"}
    assert {unit.state for unit in seen.units.values()} == {"active"}
    assert all(unit.seconds is not None for unit in seen.units.values())
    assert seen.containers["onetime-7043"] == RunningContainer("localhost/onetime-lab:1", "healthy")
    assert (seen.closed, seen.holder, seen.change) == (frozenset(), None, None)


def test_what_is_under_way_is_read() -> None:
    seen = Running().process(
        answers(
            tables="table inet onetime-gate-7043\ntable inet onetime-gate-704x\ntable ip onetime\n",
            lock="me@here 4711-ab\n",
            switching="from=3\nto=4\nrules=1\n",
            drained="drained 2026-11-30T20:00:00Z me@here\n",
        )
    )
    assert seen.drain == DRAIN
    assert seen.closed == {7043}
    assert seen.holder == "me@here"
    assert seen.change == (3, 4)


def test_unit_that_is_not_active_has_no_time() -> None:
    assert "say units systemctl show" in Running().command()
    block = "NRestarts=7\nId=onetime@7043.service\nActiveState=activating\nActiveEnterTimestamp="
    assert Running().process(answers(units=f"{block}@1\n\n\n")).units == {
        "onetime@7043.service": RunningUnit("activating", 7, None)
    }


def test_host_as_planned_has_rows_and_nothing_to_tell() -> None:
    assert told(running()) == []
    first, second = table(running())
    assert (first.instance, first.kind, first.health, first.drift) == ("7043", "web", "healthy", "")
    assert (first.interface, first.container_range) == ("eth1", "10.0.0.128/27")
    assert (first.published, first.seconds, first.release) == ("*:7043", 90, "3")
    assert first.address == str(PLAN.instances[0].address)
    assert second.instance == "7044"


def test_sidecar_has_a_row_of_its_own() -> None:
    plan = plan_one(tunnelled())
    kinds = [(row.instance, row.kind) for row in table(running(plan), plan)]
    assert kinds == [("7043", "web"), ("7043", "tunnel"), ("7044", "web"), ("7044", "tunnel")]


def test_what_is_not_planned_is_shown() -> None:
    seen = running()
    more: Mapping[str, RunningContainer] = {
        **seen.containers,
        "onetime-7050": RunningContainer("other", ""),
        "onetime-mine": RunningContainer("other", ""),
    }
    extra = table(replace(seen, containers=more))[2:]
    assert [(row.instance, row.health, row.drift) for row in extra] == [
        ("7050", "missing", "not planned")
    ]


def test_instance_that_does_not_run_is_to_start() -> None:
    installed = altered(as_planned(PLAN), units={"onetime-host-network.service": "active"})
    known = replace(SEEN, installed=installed)
    first, _ = rows(PLAN, known, running(units={}), compare(PLAN, installed))
    assert (first.health, first.drift, first.seconds) == ("missing", "to start", None)
    assert any(
        "a deploy would" in text and "start 7043" in text for text in told(running(), installed)
    )


@pytest.mark.parametrize("name", ["onetime-7043"])
def test_container_without_its_guard_is_told(name: str) -> None:
    installed = altered(as_planned(PLAN), unguarded=frozenset({name}))
    assert any(text.startswith(f"{name} is not guarded") for text in told(running(), installed))
    known = replace(SEEN, installed=installed)
    first, second = rows(PLAN, known, running(), compare(PLAN, installed))
    assert (first.drift, second.drift) == ("to guard", "")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"units": {"onetime@7043.service": RunningUnit("failed", 0, None)}},
            "onetime@7043.service has failed: journalctl -u onetime@7043.service",
        ),
        (
            {"units": {"onetime@7043.service": RunningUnit("activating", 9, None)}},
            "onetime@7043.service was restarted 9 times: journalctl -u onetime@7043.service",
        ),
        (
            {"containers": {"onetime-7043": RunningContainer("x", "unhealthy")}},
            "onetime-7043 is unhealthy: podman healthcheck run onetime-7043",
        ),
        (
            {"closed": frozenset({7043})},
            "the gate before port 7043 is closed, though its instance runs",
        ),
        (
            {"drain": DRAIN, "closed": frozenset({7043, 7044})},
            "drained since 2026-11-30T20:00:00Z by me@here: verbs/undrain.py opens its gates",
        ),
        ({"holder": "me@here"}, "me@here holds the lock"),
        ({"change": (3, 4)}, "a change from release 3 to 4 is not over: the host goes on with it"),
    ],
)
def test_what_is_amiss_has_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    assert told(running(**fields)) == [sentence]


def test_open_gate_of_a_drained_host_is_told() -> None:
    assert told(running(drain=DRAIN, closed=frozenset({7044})))[1:] == [
        "the gate before port 7043 is open"
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"units": {"onetime@7043.service": RunningUnit("active", 9, 3)}},
        {"closed": frozenset({7050})},
        {"closed": frozenset({7043}), "units": {}},
    ],
)
def test_what_is_well_is_not_told(fields: dict[str, Any]) -> None:
    assert told(running(**fields)) == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (864000, "10d")]
)
def test_time_is_told_in_its_largest_unit(seconds: int, text: str) -> None:
    assert duration(seconds) == text
