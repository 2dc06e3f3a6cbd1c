"""What a reload of the host's firewall took is put back, and nothing else is touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.host.machine import Machine

RUNNING = "onetime-7043 101\nonetime-7044 102\n"
BARRIER = "type filter hook forward priority filter; policy drop;"


@pytest.fixture
def firewall(machine: Machine) -> Path:
    """Return the program on a host where nothing is missing."""
    release = machine.release(1, "macvlan")
    (machine.state / "ps").write_text(RUNNING)
    bridge = machine.root / "proc/sys/net/ipv4/conf/onetime0/route_localnet"
    bridge.parent.mkdir(parents=True)
    bridge.write_text("1\n")
    guarded(machine, 101, 102)
    (machine.root / "proc/sys/net/ipv4/ip_forward").write_text("1\n")
    ruleset(machine)
    return release / "host/firewall.sh"


def guarded(machine: Machine, *processes: int) -> None:
    """Have these containers be guarded, by their first processes."""
    (machine.state / "guarded").write_text("".join(f"{process}\n" for process in processes))


def ruleset(machine: Machine, *, own: int = 1, foreign: int = 1, barriers: int = 1) -> None:
    """Have nft show so many rules of the deploy's.

    + own: how many of the table's rules are missing, or too many, beside one
    + foreign: rules in each of the barriers
    """
    release = machine.base / "releases/1/host"
    config = re.findall(r"^CONFIG=(.+)$", (release / "network").read_text(), re.MULTILINE)[0]
    comment = f'comment "onetime {config}"'
    planned = (release / "rules.nft").read_text().count(" comment ") - 1
    rules = [f"accept {comment}"] * (planned + own)
    lines = ["table ip onetime {", "chain any {", *rules, "}", "}"]
    for number in range(barriers):
        marked = [f"meta mark & 0x01000000 == 0x01000000 accept {comment}"] * foreign
        lines += [f"table inet filter{number} {{", "chain forward {", BARRIER, *marked, "}", "}"]
    numbered = [
        line if line == "}" or line.startswith("type") else f"{line} # handle {number}"
        for number, line in enumerate(lines, 1)
    ]
    (machine.state / "ruleset").write_text("".join(f"{line}\n" for line in numbered))


def repairs(machine: Machine, firewall: Path) -> list[str]:
    """Return what is put back, once."""
    done = machine.run(firewall, "once")
    words = re.findall(r"^missing: (.+)$", done.output, re.MULTILINE)
    return words[0].split(", ") if words else []


def test_nothing_missing_is_nothing_done(machine: Machine, firewall: Path) -> None:
    assert repairs(machine, firewall) == []
    assert machine.calls("systemctl") == []


@pytest.mark.parametrize(
    ("there", "missing"), [([7043, 7044], []), ([7044], [7043]), ([], [7044, 7043])]
)
def test_gates_of_a_drained_host_are_put_back(
    machine: Machine, firewall: Path, there: list[int], missing: list[int]
) -> None:
    (machine.base / "drained").touch()
    (machine.state / "gates").write_text("".join(f"{port}\n" for port in there))
    assert repairs(machine, firewall) == [f"gate {port}" for port in missing]
    assert all(
        f"elements = {{ {port} }}" in (machine.state / "nft-files").read_text() for port in missing
    )


def test_gates_of_a_host_that_serves_are_left_open(machine: Machine, firewall: Path) -> None:
    (machine.state / "gates").write_text("")
    assert repairs(machine, firewall) == []


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"own": 0}, ["host"]),
        ({"own": 2}, ["host"]),
        ({"foreign": 0}, ["host"]),
        ({"foreign": 2}, ["host"]),
        ({"foreign": 0, "barriers": 2}, ["host"]),
        ({"foreign": 0, "barriers": 0}, []),
    ],
)
def test_what_is_missing_is_put_back(
    machine: Machine, firewall: Path, changes: dict[str, int], missing: list[str]
) -> None:
    ruleset(machine, **changes)
    assert repairs(machine, firewall) == missing
    assert reloads(machine) == []
    restarts = {"reload-or-restart onetime-host-network.service"} if "host" in missing else set()
    assert set(machine.calls("systemctl")) == restarts


def test_forwarding_that_is_off_is_put_back(machine: Machine, firewall: Path) -> None:
    (machine.root / "proc/sys/net/ipv4/ip_forward").write_text("0\n")
    assert repairs(machine, firewall) == ["host"]


@pytest.mark.parametrize(
    ("sources", "missing"),
    [
        ('as 1 "10.89.43.0/24"', []),
        ("as 0", ["network onetime-7044", "network onetime-7043"]),
    ],
)
def test_subnet_that_firewalld_does_not_trust_is_put_back(
    machine: Machine, firewall: Path, sources: str, missing: list[str]
) -> None:
    (machine.state / "trusted").write_text(f"{sources}\n")
    assert repairs(machine, firewall) == missing


@pytest.mark.parametrize("whole", [(), (101,), (102,)])
def test_container_without_its_guard_gets_it(
    machine: Machine, firewall: Path, whole: tuple[int, ...]
) -> None:
    guarded(machine, *whole)
    names = {101: "onetime-7043", 102: "onetime-7044"}
    expected = {f"guard {name}" for process, name in names.items() if process not in whole}
    assert set(repairs(machine, firewall)) == expected
    assert repairs(machine, firewall) == []


def test_bridge_that_takes_nothing_from_loopback_is_put_back(
    machine: Machine, firewall: Path
) -> None:
    localnet = machine.root / "proc/sys/net/ipv4/conf/onetime0/route_localnet"
    localnet.write_text("0\n")
    assert len(repairs(machine, firewall)) == 2
    assert localnet.read_text() == "1\n"


def test_what_could_not_be_put_back_is_tried_again(machine: Machine, firewall: Path) -> None:
    (machine.state / "trusted").write_text("as 0\n")
    (machine.state / "reload-fails").touch()
    machine.run(firewall, "once")
    assert reloads(machine).count("network reload onetime-7043") == 3


def reloads(machine: Machine) -> list[str]:
    return [call for call in machine.calls("podman") if call.startswith("network reload")]


def test_watch_ends_with_its_monitor(machine: Machine, firewall: Path) -> None:
    """Systemd starts it again then."""
    (machine.state / "monitor").write_text("add rule\n")
    (machine.base / "current").symlink_to("releases/1")
    assert machine.run(firewall).code == 1
