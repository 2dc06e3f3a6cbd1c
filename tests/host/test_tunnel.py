"""The tunnel of an instance: made of its data, gone with its link, judged by its peer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.golden.cases import HOME as GOLDEN
from tests.host.machine import Machine, Result

LINK = {"TUNNEL_LINK": "wg7043", "TUNNEL_ADDRESS": "10.99.0.2/32"}
DATABASE_PEER, OFFICE_PEER = (
    line.split()[0] for line in (GOLDEN / "two-peers/host/peers").read_text().splitlines()
)


@pytest.fixture
def tunnel(machine: Machine) -> Path:
    return machine.release(1, "two-peers") / "host/tunnel.sh"


def run(machine: Machine, tunnel: Path, verb: str) -> Result:
    return machine.run(tunnel, verb, **LINK)


@pytest.mark.parametrize(("age", "code"), [(10, 0), (204, 0), (206, 1), (None, 1)])
def test_tunnel_is_up_while_its_peer_answers(
    machine: Machine, tunnel: Path, age: int | None, code: int
) -> None:
    shaken = [] if age is None else [f"{DATABASE_PEER}\t{int(time.time()) - age}"]
    lines = [*shaken, f"{OFFICE_PEER}\t{int(time.time())}"]
    (machine.state / "handshakes").write_text("\n".join(lines) + "\n")
    assert run(machine, tunnel, "check").code == code


def test_tunnel_is_made_and_ends_with_its_link(machine: Machine, tunnel: Path) -> None:
    (machine.state / "meanwhile").write_text(
        '[ "$1" != 2 ] || rmdir "$ROOT/sys/class/net/wg7043"\n'
    )
    done = run(machine, tunnel, "run")
    assert done.code != 0
    assert "the tunnel is made" in done.output
    assert machine.calls("wireguard-go") == ["wg7043"]
    assert [call for call in machine.calls("wg") if call.startswith("set")] == [
        "set wg7043 private-key /run/secrets/private-key",
        f"set wg7043 peer {DATABASE_PEER} preshared-key /run/secrets/preshared-key-0 "
        "endpoint 203.0.113.2:51820 persistent-keepalive 25 allowed-ips 10.77.0.0/24",
        f"set wg7043 peer {OFFICE_PEER} "
        "endpoint vpn.example:51820 persistent-keepalive 25 allowed-ips 10.78.0.0/16",
    ]
    calls = machine.calls("ip")
    assert calls.index("address add 10.99.0.2/32 dev wg7043") < calls.index("link set wg7043 up")
    assert [call for call in calls if call.startswith("route")] == [
        "route add 10.77.0.0/24 dev wg7043",
        "route add 10.78.0.0/16 dev wg7043",
    ]


def test_kernel_makes_the_link_where_it_can(machine: Machine, tunnel: Path) -> None:
    data = tunnel.with_name("tunnel")
    data.write_text(data.read_text().replace("USERSPACE=1", "USERSPACE=0"))
    (machine.state / "meanwhile").write_text(
        '[ "$1" != 2 ] || rmdir "$ROOT/sys/class/net/wg7043"\n'
    )
    run(machine, tunnel, "run")
    assert "link add wg7043 type wireguard" in machine.calls("ip")
    assert machine.calls("wireguard-go") == []


def test_silent_peer_is_looked_up_by_its_name(machine: Machine, tunnel: Path) -> None:
    """Only one that has a name; twice, and then the link goes."""
    (machine.state / "meanwhile").write_text(
        '[ "$(grep -c "^sleep 2" "$STATE/calls")" -lt 3 ] || rmdir "$ROOT/sys/class/net/wg7043"\n'
    )
    run(machine, tunnel, "run")
    again = f"set wg7043 peer {OFFICE_PEER} endpoint vpn.example:51820"
    assert machine.calls("wg").count(again) == 2
    assert f"set wg7043 peer {DATABASE_PEER} endpoint 203.0.113.2:51820" not in machine.calls("wg")
