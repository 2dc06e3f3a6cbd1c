"""Each change is written down and told, whatever becomes of it."""

from __future__ import annotations

from facts.history import History, PastChange
from tests.host.machine import Machine
from tests.unit.kernel import answers_text


def history(machine: Machine) -> list[PastChange]:
    """Return what the host has written down, as the deploy reads it."""
    text = (machine.base / "history").read_text()
    return list(History().process(answers_text({"history": text})))


def test_each_change_is_written_down_with_how_it_went(deployed: Machine) -> None:
    (first,) = history(deployed)
    assert (first.origin, first.to, first.outcome, first.reason) == (0, 1, "served", "")
    assert (first.operator, first.plan) == ("me@here", "p1")
    deployed.release(2, "secrets", broken=7044)
    deployed.switch(1, 2)
    deployed.perform()
    assert deployed.result == "1"
    _, second = history(deployed)
    assert (second.origin, second.to, second.outcome) == (1, 2, "went back")
    assert second.reason == "instance 7044 did not become healthy"
    evidence = deployed.base / "releases/2/evidence.log"
    assert evidence.stat().st_mode & 0o777 == 0o600
    (told,) = [line for line in deployed.calls("logger") if '"to": 2' in line]
    assert told.startswith("--tag onetime-change ")


def test_first_change_that_fails_has_nothing_to_go_back_to(machine: Machine) -> None:
    machine.release(1, "macvlan", broken=7043)
    machine.switch(0, 1)
    machine.perform()
    assert machine.result == "1"
    (change,) = history(machine)
    assert (change.outcome, change.reason) == ("failed", "instance 7043 did not become healthy")


def test_history_does_not_grow_without_end(deployed: Machine) -> None:
    line = (deployed.base / "history").read_text()
    (deployed.base / "history").write_text(line * 300)
    deployed.switch(1, 1)
    assert deployed.perform().code == 0
    assert len(history(deployed)) == 200


def test_command_of_the_operators_is_told_of_beginning_and_end(deployed: Machine) -> None:
    release = deployed.release(2, "secrets", broken=7044)
    notices = deployed.state / "notices"
    (release / "host/notify").write_text(f"NOTIFY='tee -a {notices}'\n")
    deployed.switch(1, 2)
    deployed.perform()
    told = History().process(answers_text({"history": notices.read_text()}))
    assert [change.outcome for change in told] == ["started", "went back"]
    assert told[1] == history(deployed)[-1]


def test_command_that_fails_changes_nothing(deployed: Machine) -> None:
    release = deployed.release(2, "secrets")
    (release / "host/notify").write_text("NOTIFY='false a'\n")
    deployed.switch(1, 2)
    result = deployed.perform()
    assert deployed.result == "0"
    assert "notify_host did not end well: false a" in result.output
