"""What somebody else runs gives way port by port, or is back at the end; killed or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.host.machine import PORTS, Machine


def foreign(port: int) -> str:
    return f"onetime-web@{port}.service"


def hand_over(machine: Machine, ports: Sequence[int] = PORTS) -> Path:
    """Have somebody else's units run, and be taken over; return the file that they come from."""
    quadlet = machine.root / "etc/containers/systemd/onetime-web@.container"
    quadlet.parent.mkdir(parents=True, exist_ok=True)
    quadlet.write_text("[Container]\n")
    units = [foreign(port) for port in ports]
    (machine.state / "foreign").write_text("".join(f"{unit}\n" for unit in units))
    for unit in units:
        (machine.state / "units" / unit).write_text("active\n")
    lines = [f"unit {port} {foreign(port)}" for port in ports]
    text = "".join(f"{line}\n" for line in (*lines, f"file {quadlet}", f"file {quadlet}.d/none"))
    (machine.base / "adopting").write_text(text)
    # Everybody listens who runs: 7043, 7044 and 7045 are 1B83, 1B84 and 1B85.
    (machine.root / "proc/net").mkdir(parents=True, exist_ok=True)
    listeners = [f"  0: 00000000:{port:04X} 00000000:0000 0A\n" for port in ports]
    (machine.root / "proc/net/tcp").write_text("".join(listeners))
    return quadlet


def active(machine: Machine) -> set[str]:
    """Return the units of somebody else's that run."""
    units = (machine.state / "units").iterdir()
    return {unit.name for unit in units if unit.name.startswith("onetime-web@")}


def kept(machine: Machine, quadlet: Path) -> Path:
    return Path(f"{machine.root}/etc/onetime-adopted{quadlet}")


def taken(machine: Machine, quadlet: Path) -> bool:
    """Tell whether all is the deploy's, and what was there is kept aside."""
    return (
        machine.is_whole(1)
        and not active(machine)
        and not quadlet.exists()
        and kept(machine, quadlet).exists()
        and not (machine.base / "adopting").exists()
    )


def untouched(machine: Machine, quadlet: Path) -> bool:
    """Tell whether all is somebody else's, and nothing of the deploy's would start."""
    return (
        machine.current is None
        and active(machine) == {foreign(port) for port in PORTS}
        and not machine.running()
        and quadlet.exists()
        and not (quadlet.parent / "onetime").is_symlink()
        and not (machine.base / "switching").exists()
    )


@pytest.mark.parametrize("case", ["host", "macvlan"])
def test_each_unit_stops_just_before_its_instance_starts(machine: Machine, case: str) -> None:
    machine.release(1, case)
    quadlet = hand_over(machine)
    machine.switch(0, 1)
    done = machine.perform()
    assert done.code == 0, done.output
    assert taken(machine, quadlet), done.output
    assert machine.result == "0"
    wanted = ("stop onetime-web@", "restart onetime@")
    calls = [call for call in machine.calls("systemctl") if call.startswith(wanted)]
    assert calls == [
        "stop onetime-web@7043.service",
        "restart onetime@7043.service",
        "stop onetime-web@7044.service",
        "restart onetime@7044.service",
    ]


def test_ports_lead_to_somebody_else_until_they_are_taken_over(machine: Machine) -> None:
    machine.release(1, "macvlan")
    hand_over(machine)
    machine.switch(0, 1)
    machine.perform()
    calls = (machine.state / "calls").read_text().splitlines()
    assert "elements = { 7043, 7044 }" in (machine.state / "nft-files").read_text()
    places = [
        calls.index(f"nft delete element ip onetime-adopt kept {{ {port} }}") for port in PORTS
    ]
    stops = [calls.index(f"systemctl stop {foreign(port)}") for port in PORTS]
    assert places[0] < stops[0] < places[1] < stops[1]
    assert "nft delete table ip onetime-adopt" in calls


@pytest.mark.parametrize("port", PORTS)
def test_units_come_back_where_an_instance_fails(machine: Machine, port: int) -> None:
    machine.release(1, "macvlan", broken=port)
    quadlet = hand_over(machine)
    machine.switch(0, 1)
    done = machine.perform()
    assert done.code == 0, done.output
    assert untouched(machine, quadlet), done.output
    assert machine.result == "1"
    assert (machine.base / "adopting").exists()
    starts = [call for call in machine.calls("systemctl") if call.startswith("start onetime-web@")]
    # Where nobody serves it comes first.
    assert starts[0] == f"start {foreign(port)}"
    assert len(starts) == PORTS.index(port) + 1


def test_host_with_a_release_goes_back_to_that(deployed: Machine) -> None:
    deployed.release(2, "secrets", broken=7043)
    quadlet = hand_over(deployed, [7045])
    deployed.switch(1, 2)
    deployed.perform()
    assert deployed.is_whole(1)
    assert active(deployed) == {foreign(7045)}
    assert quadlet.exists()


@pytest.mark.parametrize("runs", [True, False])
def test_unit_whose_port_is_not_taken_over_keeps_its_file(machine: Machine, *, runs: bool) -> None:
    machine.release(1, "host")
    quadlet = hand_over(machine, [7043, 7045])
    if not runs:
        (machine.state / "units" / foreign(7045)).unlink()
    machine.switch(0, 1)
    machine.perform()
    assert machine.is_whole(1)
    assert active(machine) == ({foreign(7045)} if runs else set())
    assert quadlet.exists()
    assert (machine.base / "adopting").exists()


def test_unit_that_does_not_run_stays_stopped(machine: Machine) -> None:
    machine.release(1, "host")
    quadlet = hand_over(machine)
    for port in PORTS:
        (machine.state / "units" / foreign(port)).unlink()
    machine.switch(0, 1)
    machine.perform()
    assert taken(machine, quadlet)
    assert "-f -" not in machine.calls("nft")


@pytest.mark.sweep
@pytest.mark.parametrize("broken", [None, 7044], ids=["forward", "back"])
def test_crash_at_any_command_leaves_one_or_the_other(machine: Machine, broken: int | None) -> None:
    machine.release(1, "macvlan", broken=broken)
    quadlet = hand_over(machine)
    machine.switch(0, 1)
    with machine.again() as restore:
        for number in range(1, 1000):
            restore()
            machine.crash_at(number, "before" if number % 2 else "after")
            machine.perform()
            if (machine.state / "crash-at").exists():
                break
            for _ in range(3):
                machine.perform()
            if broken is None and machine.result == "0":
                assert taken(machine, quadlet), number
            else:
                assert machine.result == "1"
                assert untouched(machine, quadlet), number
    assert number > 20


def test_switch_keeps_its_own_unit_when_it_leaves(machine: Machine) -> None:
    """Systemd would end it: without a file its limit of time is the default one."""
    machine.release(1, "host", broken=7044)
    quadlet = hand_over(machine)
    unit = machine.root / "etc/systemd/system/onetime-switch.service"
    unit.symlink_to(machine.base / "switch/onetime-switch.service")
    machine.switch(0, 1)
    machine.perform()
    assert untouched(machine, quadlet)
    assert unit.is_symlink()
    assert "delete table ip onetime-adopt" in machine.calls("nft")
