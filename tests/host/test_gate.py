"""The gate: closed before an instance stops, open when it is healthy, and patient in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.machine import Machine, Result

ESTABLISHED, LISTEN, TIME_WAIT = "01", "0A", "06"


@pytest.fixture
def gate(machine: Machine) -> Path:
    return machine.release(1, "macvlan") / "host/gate.sh"


def connections(machine: Machine, *states: str, port: int = 3000) -> None:
    """Have process 101, the only child of 100, hold connections on its port in these states."""
    process = machine.root / "proc/101"
    (process / "net").mkdir(parents=True, exist_ok=True)
    (process / "status").write_text("Name:\tapp\nPPid:\t100\n")
    lines = [f" {n}: 0100007F:{port:04X} 00000000:0000 {s} 0" for n, s in enumerate(states)]
    (process / "net/tcp").write_text("\n".join(["  sl  local_address", *lines]) + "\n")


def drain(machine: Machine, gate: Path, *, shown: str = "") -> Result:
    (machine.state / "show").write_text(shown)
    (machine.root / "proc/uptime").write_text("1000.5 2000.0\n")
    return machine.run(gate, "drain", "7043", MAINPID="100")


@pytest.mark.parametrize(
    ("case", "destination"),
    [
        ("macvlan", "fib daddr type local"),
        ("publish-address", "ip daddr 10.0.0.15"),
        ("host", "fib daddr type local ip daddr != 127.0.0.0/8"),
    ],
)
def test_closed_gate_refuses_new_connections(machine: Machine, case: str, destination: str) -> None:
    release = machine.release(1, case)
    assert machine.run(release / "host/gate.sh", "close", "7043").code == 0
    table = (machine.state / "nft-files").read_text()
    assert table.startswith("table inet onetime-gate-7043 {}\ndelete table inet onetime-gate-7043")
    assert "elements = { 7043 timeout 180s }" in table
    refusal = f"== syn {destination} reject with tcp reset"
    assert table.count(refusal) == 2


def test_gate_of_an_instance_that_does_not_run_stays_closed(machine: Machine, gate: Path) -> None:
    assert machine.run(gate, "shut", "7043").code == 0
    assert "elements = { 7043 }" in (machine.state / "nft-files").read_text()


def test_open_gate_is_no_table(machine: Machine, gate: Path) -> None:
    machine.run(gate, "open", "7043")
    assert machine.calls("nft") == ["delete table inet onetime-gate-7043"]


def test_drain_closes_and_is_over_where_nothing_is_in_progress(
    machine: Machine, gate: Path
) -> None:
    connections(machine, LISTEN, TIME_WAIT)
    assert drain(machine, gate).code == 0
    assert "onetime-gate-7043" in (machine.state / "nft-files").read_text()
    assert machine.calls("sleep") == ["0.1"]
    # What has nothing to finish gets no time to finish it.
    assert machine.calls("podman") == ["stop --ignore --time 3 onetime-7043"]


def test_drain_waits_for_requests_in_progress(machine: Machine, gate: Path) -> None:
    connections(machine, LISTEN, ESTABLISHED)
    # The request ends during the fifth wait.
    (machine.state / "meanwhile").write_text(
        '[ "$(grep -c ^sleep "$STATE/calls")" -lt 5 ] || : >"$ROOT/proc/101/net/tcp"\n'
    )
    assert drain(machine, gate).code == 0
    assert machine.calls("sleep") == ["0.1"] * 6


def test_drain_gives_up_after_its_time(machine: Machine, gate: Path) -> None:
    connections(machine, ESTABLISHED)
    drain(machine, gate)
    assert machine.calls("sleep") == ["0.1"] * 100
    assert machine.calls("podman") == []


def test_drain_does_not_wait_for_other_ports(machine: Machine, gate: Path) -> None:
    connections(machine, ESTABLISHED, port=6379)
    drain(machine, gate)
    assert machine.calls("sleep") == ["0.1"]


def test_drain_without_a_container_closes_alone(machine: Machine, gate: Path) -> None:
    assert machine.run(gate, "drain", "7043").code == 0
    assert "onetime-gate-7043" in (machine.state / "nft-files").read_text()
    assert machine.calls("sleep") == []


@pytest.mark.parametrize(
    ("entered", "state", "waited"),
    [
        (999_500_000, "active", ["1"]),
        (990_000_000, "active", []),
        (999_500_000, "activating", []),
    ],
)
def test_drain_waits_until_the_one_before_has_settled(
    machine: Machine, gate: Path, entered: int, state: str, waited: list[str]
) -> None:
    connections(machine, LISTEN)
    shown = f"ActiveState={state}\nActiveEnterTimestampMonotonic={entered}\n"
    drain(machine, gate, shown=shown)
    assert machine.calls("sleep") == [*waited, "0.1"]


@pytest.mark.parametrize("word", ["close", "open"])
def test_gate_of_a_drained_host_stays_closed(machine: Machine, gate: Path, word: str) -> None:
    (machine.base / "drained").touch()
    assert machine.run(gate, word, "7043").code == 0
    assert "elements = { 7043 }" in (machine.state / "nft-files").read_text()
    assert machine.calls("nft") == ["-f -"]


@pytest.mark.parametrize(("states", "code"), [([LISTEN, ESTABLISHED], 0), ([LISTEN, TIME_WAIT], 1)])
def test_busy_tells_whether_requests_are_in_progress(
    machine: Machine, gate: Path, states: list[str], code: int
) -> None:
    connections(machine, *states)
    (machine.state / "ps").write_text("onetime-7043 101\n")
    assert machine.run(gate, "busy", "7043").code == code


def test_instance_without_a_container_is_not_busy(machine: Machine, gate: Path) -> None:
    assert machine.run(gate, "busy", "7043").code == 1


def test_unknown_word_is_refused(machine: Machine, gate: Path) -> None:
    assert machine.run(gate, "slam", "7043").code == 2
    assert (machine.state / "calls").read_text() == ""
