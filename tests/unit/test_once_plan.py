"""An operator's command: where it runs, which words reach the host, and what is refused."""

from __future__ import annotations

import pytest

from facts.installed import InstalledState
from facts.podman import Container
from facts.release import Entry
from names import CURRENT
from plan.once import once
from plan.problems import PlanError
from tests.unit.planned import altered, as_planned, fresh, observed, plan_one


def deployed() -> InstalledState:
    return as_planned(plan_one(observed(workers=["emails"])))


def test_command_runs_in_a_fresh_container() -> None:
    planned = once("app1", {"command": "bin/ots customers 'a b' $HOME ;"}, deployed())
    program = "/etc/onetime/current/host/once.sh"
    words = ("bin/ots", "customers", "a b", "$HOME", ";")
    assert planned.words == ("sh", program, "run", *words)
    shown = "bin/ots customers 'a b' '$HOME' ';' in a fresh container of release "
    assert planned.title.startswith(shown)


@pytest.mark.parametrize(
    ("member", "container"), [("7043", "onetime-7043"), ("emails", "onetime-job-emails")]
)
def test_command_runs_in_a_container_that_runs(member: str, container: str) -> None:
    planned = once("app1", {"command": "bin/ots version", "in": member}, deployed())
    assert planned.words == ("podman", "exec", container, "bin/ots", "version")
    assert planned.title == f"bin/ots version in {container}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({}, "app1: command: there is nothing to run. Say --data command='bin/ots version'."),
        ({"command": " "}, "there is nothing to run"),
        ({"command": "''"}, "there is nothing to run"),
        ({"command": "echo 'x"}, "cannot be split into words: No closing quotation"),
        (
            {"command": "x", "in": "7049"},
            "app1: in: '7049' does not run. Name one of these: 7043, 7044, emails.",
        ),
        ({"command": "x", "in": "; reboot"}, "in: '; reboot' does not run"),
        ({"command": "x", "in": "9" * 5000}, "does not run"),
    ],
)
def test_what_makes_no_sense_is_refused(words: dict[str, str], sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        once("app1", words, deployed())


def test_container_that_has_stopped_is_refused() -> None:
    stopped = {"onetime-7043": Container("onetime-7043", running=False, config=None)}
    with pytest.raises(PlanError, match=r"in: '7043' does not run. None runs: leave it out"):
        once("app1", {"command": "x", "in": "7043"}, altered(deployed(), containers=stopped))


def test_host_without_a_release_is_refused() -> None:
    with pytest.raises(PlanError, match=r"app1: release: it has none. Deploy first"):
        once("app1", {"command": "x"}, fresh())


def test_release_without_the_program_is_refused() -> None:
    state = altered(deployed(), entries={"host/switch.sh": Entry("0")})
    number = state.systemd.links[CURRENT].rpartition("/")[2]
    with pytest.raises(PlanError, match=f"app1: release: {number} is older than this verb"):
        once("app1", {"command": "x"}, state)
