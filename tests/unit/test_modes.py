"""A network mode is its traits and a function; nothing else names one."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import names
from facts.paths import PathAnswer
from plan.compare.changes import compare
from plan.compare.verdicts import failures, question
from plan.inventory.modes import MODES, CardLink, Mode
from plan.modes.lan import plan_lan
from plan.problems import PlanError
from tests.lab.modes import NETWORKS
from tests.unit.observed import settings
from tests.unit.planned import altered, as_planned, fresh, observed, plan_one, refusals

ROOT = Path(__file__).parents[2]
SEVENTH = Mode(
    "seventh",
    needs_card=True,
    link=CardLink("ipvlan", submode="l2", own_mac=False),
    database_given=True,
    kernel_links=("ipvlan",),
)
WORDS = {"network_mode": "seventh", "db_address": "10.0.0.10"}


@pytest.fixture
def _seventh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mode that is a value in the registry and a module, as a new one would be."""
    module = ModuleType("plan.modes.seventh")
    module.__dict__["plan"] = plan_lan
    monkeypatch.setitem(MODES, "seventh", SEVENTH)
    monkeypatch.setitem(sys.modules, "plan.modes.seventh", module)


@pytest.mark.usefixtures("_seventh")
def test_seventh_mode_is_planned_compared_and_judged() -> None:
    host = observed(shim=True, **WORDS)
    plan = plan_one(host)
    assert plan.mode.shim is not None
    assert plan.mode.shim.link.interface == "ipvlan0"
    assert "Driver=ipvlan\n" in plan.file("quadlet/onetime.network").content
    assert compare(plan, host.installed).restart == (7043, 7044)
    assert not compare(plan, as_planned(plan)).any
    silent = PathAnswer(7043, "database", "No route to host")
    (verdict,) = failures("h", question(plan), [silent])
    assert "(network_mode seventh)" in verdict


@pytest.mark.usefixtures("_seventh")
def test_seventh_mode_has_its_range_to_itself() -> None:
    hosts = {name: observed(**WORDS) for name in ("a", "b")}
    (problem,) = refusals(hosts)
    assert problem.observation == "10.0.0.128/27 overlaps with 10.0.0.128/27 of b"


@pytest.mark.usefixtures("_seventh")
def test_seventh_mode_is_refused_for_what_it_lacks_alone() -> None:
    unable = altered(fresh(), kernel_links=frozenset({"macvlan"}))
    host = dataclasses.replace(observed(**WORDS), installed=unable)
    (problem,) = refusals({"a": host})
    assert problem.observation == "the kernel cannot make ipvlan links"
    assert "ipvlan" not in problem.advice
    assert "seventh" not in problem.advice


def test_mode_that_is_not_registered_is_refused() -> None:
    with pytest.raises(PlanError, match="It must be one of macvlan, ipvlan, routed"):
        settings(network_mode="seventh")


def test_link_that_nothing_would_remove_is_no_trait() -> None:
    with pytest.raises(ValueError, match="SHIM_KINDS lacks macvtap"):
        Mode("seventh", link=CardLink("macvtap", submode="bridge", own_mac=True))
    with pytest.raises(ValueError, match="LINK_KINDS lacks dummy, vxlan"):
        Mode("seventh", kernel_links=("vxlan", "dummy"))


def test_modes_are_the_same_everywhere() -> None:
    modules = {path.stem for path in (ROOT / "plan/modes").glob("*.py")}
    helpers = {"__init__", "registry", "lan", "bridge", "rules", "guard"}
    table = (ROOT / "docs/modes.md").read_text()
    (header,) = re.findall(r"^\| +\| (`macvlan`.*) \|$", table, re.MULTILINE)
    documented = re.findall(r"`(\w+)`", header)
    assert documented == list(MODES)
    assert modules - helpers == set(MODES)
    assert set(NETWORKS) == set(MODES)
    assert {mode.name for mode in MODES.values()} == set(MODES)


def test_shim_of_each_mode_is_one_that_hosts_remove() -> None:
    shims = {mode.link.interface for mode in MODES.values() if mode.link}
    assert shims == set(names.SHIM_INTERFACES)
