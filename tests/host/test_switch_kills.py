"""A switch that is killed, wherever that is, ends in a whole release all the same."""

from __future__ import annotations

import pytest

from tests.host.machine import Machine


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("case", "broken"), [("secrets", None), ("routed", 7043)], ids=["forward", "back"]
)
def test_crash_at_any_command_ends_in_a_whole_release(
    deployed: Machine, case: str, broken: int | None
) -> None:
    """Kill the switch at each command in turn; its unit starts it again.

    By turns before and after it, since after one is before the next, but for the files in between.
    """
    deployed.release(2, case, broken=broken)
    deployed.switch(1, 2)
    with deployed.again() as restore:
        for number in range(1, 1000):
            restore()
            deployed.crash_at(number, "before" if number % 2 else "after")
            deployed.perform()
            if (deployed.state / "crash-at").exists():
                break
            for _ in range(2):
                deployed.perform()
            end = deployed.current
            assert end in ({1, 2} if broken is None else {1})
            assert deployed.is_whole(end), number
            assert deployed.result == ("0" if end == 2 else "1")
    assert number > 20


def test_first_rules_of_an_interrupted_change_are_removed(machine: Machine) -> None:
    """The operator was being asked when the switch was killed, and never came."""
    machine.release(1, "shim")
    machine.switch(0, 1, rules="1")
    (machine.state / "meanwhile").write_text('rm "$STATE/meanwhile"; kill -KILL 0\n')
    machine.perform()
    assert (machine.root / "sys/class/net/macvlan0").exists()
    machine.perform()
    assert machine.result == "1"
    assert not (machine.root / "sys/class/net/macvlan0").exists()


@pytest.mark.sweep
def test_verdict_outlives_a_kill(deployed: Machine) -> None:
    """Killed on its way back, it does not try the rejected release again."""
    deployed.release(2, "secrets", broken=7044)
    deployed.switch(1, 2)
    with deployed.again() as restore:
        for number in range(1, 1000):
            restore()
            deployed.crash_at(number, "before")
            output = deployed.perform().output
            if (deployed.state / "crash-at").exists():
                break
            (deployed.base / "releases/2/broken-7044").unlink()
            if "going back" in output:
                deployed.perform()
                assert deployed.is_whole(1), number
                assert deployed.result == "1"
    assert number > 20


def test_watch_outlives_a_kill(deployed: Machine) -> None:
    deployed.release(2, "secrets")
    deployed.switch(1, 2, watch=7)
    (deployed.state / "meanwhile").write_text('rm "$STATE/meanwhile"; kill -KILL 0\n')
    deployed.perform()
    deployed.perform()
    assert deployed.is_whole(2)
    assert deployed.calls("sleep") == ["7", "7"]


def test_change_that_is_killed_again_and_again_ends(deployed: Machine) -> None:
    deployed.release(2, "secrets", broken=7044)
    deployed.switch(1, 2)
    for _ in range(20):
        deployed.crash_at(12, "before")
        deployed.perform()
        if not (deployed.base / "switching").exists():
            break
    assert deployed.result == "1"
