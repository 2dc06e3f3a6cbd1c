"""Rules, forwarding and shim change first, and stay only where the operator still gets there."""

from __future__ import annotations

import pytest

from tests.host.machine import Machine


@pytest.mark.parametrize("rules", ["1", "auto"])
def test_change_of_rules_waits_for_its_operator(deployed: Machine, rules: str) -> None:
    deployed.release(2, "shim")
    deployed.switch(1, 2, rules=rules)
    (deployed.state / "meanwhile").write_text(
        'cd "$ROOT/run/onetime" && [ ! -e asking ] || cp asking confirmed\n'
    )
    assert deployed.perform().code == 0
    assert deployed.is_whole(2)
    assert (deployed.root / "sys/class/net/macvlan0").exists()
    assert not (deployed.root / "run/onetime/asking").exists()


@pytest.mark.parametrize("confirmed", [True, False])
def test_shim_of_another_kind_comes_after_the_old_links(deployed: Machine, confirmed: bool) -> None:
    """A card has links of one kind at a time."""
    deployed.release(2, "ipvlan-shim")
    deployed.switch(1, 2, rules="1")
    if confirmed:
        (deployed.state / "meanwhile").write_text(
            'cd "$ROOT/run/onetime" && [ ! -e asking ] || cp asking confirmed\n'
        )
    output = deployed.perform().output
    assert deployed.is_whole(2 if confirmed else 1), output
    assert (deployed.root / "sys/class/net/ipvlan0").exists() == confirmed


def test_rules_that_nobody_confirms_are_taken_back(deployed: Machine) -> None:
    deployed.release(2, "shim")
    deployed.switch(1, 2, rules="1")
    done = deployed.perform()
    assert "no new connection came within 30 seconds" in done.output
    assert deployed.is_whole(1)
    assert deployed.result == "1"
    assert not (deployed.root / "sys/class/net/macvlan0").exists()


def test_first_rules_that_nobody_confirms_are_removed(machine: Machine) -> None:
    machine.release(1, "shim")
    machine.switch(0, 1, rules="1")
    done = machine.perform()
    assert "there is no release to go back to" in done.output
    assert not (machine.root / "sys/class/net/macvlan0").exists()
    assert machine.current is None
    assert machine.calls("nft")[-2] == "table ip onetime {}; delete table ip onetime"


def test_host_unit_that_fails_tells_its_last_lines(deployed: Machine) -> None:
    deployed.release(2, "secrets")
    (deployed.state / "units/onetime-host-network.service").unlink()
    (deployed.state / "units/onetime-host-network.service").mkdir()
    (deployed.state / "journal").write_text("a rule was refused\n")
    deployed.switch(1, 2)
    assert "a rule was refused" in deployed.perform().output
    assert deployed.result == "1"


def test_answer_to_another_change_confirms_nothing(deployed: Machine) -> None:
    """What a killed run has left would have said yes for an operator who is cut off."""
    deployed.release(2, "shim")
    deployed.switch(1, 2, rules="1")
    run = deployed.root / "run/onetime"
    run.mkdir(exist_ok=True)
    for name in ("asking", "confirmed"):
        (run / name).write_text("another\n")
    assert "no new connection came" in deployed.perform().output
    assert deployed.is_whole(1)


def test_networks_are_touched_after_the_rules_are_confirmed(deployed: Machine) -> None:
    release = deployed.release(2, "routed")
    (release / "host/network.sh").write_text("exit 1\n")
    deployed.switch(1, 2, rules="1")
    before = deployed.restarted
    deployed.perform()
    assert deployed.is_whole(1)
    assert deployed.restarted == before
    assert not [call for call in deployed.calls("podman") if call.startswith("network rm")]
