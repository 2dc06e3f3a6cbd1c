"""A host out of service: every gate is closed, what is in progress ends, and no start opens one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.host.machine import Machine
from tests.host.test_gate import ESTABLISHED, LISTEN, connections

CLOSED = "elements = { %d }"


@pytest.fixture
def drain(deployed: Machine) -> Path:
    """Return the program on a host whose two instances run, with nothing in progress."""
    (deployed.state / "ps").write_text("onetime-7043 101\nonetime-7044 102\n")
    connections(deployed, LISTEN)
    (deployed.state / "show").write_text("running\n")
    for name in ("calls", "nft-files", "nft-commands"):
        (deployed.state / name).write_text("")
    return deployed.base / "current/host/drain.sh"


def drained(machine: Machine) -> str:
    return (machine.base / "drained").read_text()


def tables(machine: Machine) -> str:
    return (machine.state / "nft-files").read_text()


def test_close_closes_every_gate_without_a_time_limit(deployed: Machine, drain: Path) -> None:
    assert deployed.run(drain, "close", "me@here").code == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ me@here\n", drained(deployed))
    assert CLOSED % 7043 in tables(deployed)
    assert CLOSED % 7044 in tables(deployed)
    assert deployed.calls("sleep") == ["0.2"] * 2


def test_start_of_an_instance_opens_no_gate(deployed: Machine, drain: Path) -> None:
    deployed.run(drain, "close", "me@here")
    (deployed.state / "nft-files").write_text("")
    deployed.run(drain.with_name("gate.sh"), "close", "7043")
    deployed.run(drain.with_name("gate.sh"), "open", "7043")
    assert tables(deployed).count(CLOSED % 7043) == 2
    assert deployed.calls("nft") == ["-f -"] * 4


def test_close_waits_for_requests_in_progress(deployed: Machine, drain: Path) -> None:
    connections(deployed, LISTEN, ESTABLISHED)
    (deployed.state / "meanwhile").write_text(
        '[ "$(grep -c ^sleep "$STATE/calls")" -lt 5 ] || : >"$ROOT/proc/101/net/tcp"\n'
    )
    done = deployed.run(drain, "close", "me@here")
    assert done.code == 0
    assert done.output == "note: waits for requests in progress on port 7043\n"
    assert len(deployed.calls("sleep")) == 7


def test_close_leaves_requests_that_take_too_long(deployed: Machine, drain: Path) -> None:
    connections(deployed, LISTEN, ESTABLISHED)
    names = deployed.base / "releases/1/host/names"
    names.write_text(names.read_text().replace("DRAIN_LIMIT=60", "DRAIN_LIMIT=2"))
    done = deployed.run(drain, "close", "me@here")
    assert done.code == 0
    assert "after 2 seconds requests are still in progress on port 7043" in done.output
    assert len(deployed.calls("sleep")) == 10
    assert deployed.calls("podman stop") == []


def test_gate_that_cannot_be_closed_is_told(deployed: Machine, drain: Path) -> None:
    (deployed.state / "nft-fails").touch()
    done = deployed.run(drain, "close", "me@here")
    assert done.code == 1
    assert "the gate before port 7043 cannot be closed" in done.output
    assert "me@here" in drained(deployed)


def test_open_opens_the_gates_of_what_runs(deployed: Machine, drain: Path) -> None:
    deployed.run(drain, "close", "me@here")
    (deployed.state / "calls").write_text("")
    assert deployed.run(drain, "open").code == 0
    assert not (deployed.base / "drained").exists()
    assert deployed.calls("nft") == [
        "delete table inet onetime-gate-7043",
        "delete table inet onetime-gate-7044",
    ]


@pytest.mark.parametrize("state", ["start", "auto-restart", "dead", "failed"])
def test_open_leaves_the_gates_of_what_does_not_run(
    deployed: Machine, drain: Path, state: str
) -> None:
    (deployed.state / "show").write_text(f"{state}\n")
    assert deployed.run(drain, "open").code == 0
    assert deployed.calls("nft") == []


def test_open_waits_for_what_is_about_to_open_its_own(deployed: Machine, drain: Path) -> None:
    """It may have found the host drained, and its gate stays closed for good then."""
    (deployed.state / "show").write_text("start-post\n")
    (deployed.state / "meanwhile").write_text('echo running >"$STATE/show"\n')
    assert deployed.run(drain, "open").code == 0
    assert len(deployed.calls("nft")) == 2
    assert len(deployed.calls("sleep")) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("word", ["close", "open"])
def test_killed_at_any_call_the_next_run_does_it_all(
    deployed: Machine, drain: Path, word: str, moment: str
) -> None:
    done = "-f -" if word == "close" else "delete table inet onetime-gate-704"
    kills = 0
    with deployed.again() as restore:
        while True:
            deployed.crash_at(kills + 1, moment)
            if deployed.run(drain, word, "me@here").code == 0:
                break
            kills += 1
            (deployed.state / "calls").write_text("")
            assert deployed.run(drain, word, "me@here").code == 0
            assert (deployed.base / "drained").exists() is (word == "close")
            assert len([call for call in deployed.calls("nft") if call.startswith(done)]) == 2
            restore()
    assert kills >= 4


def test_healthy_waits_until_every_instance_is(deployed: Machine, drain: Path) -> None:
    (deployed.state / "units/onetime@7044.service").write_text("activating\n")
    (deployed.state / "meanwhile").write_text('echo active >"$STATE/units/onetime@7044.service"\n')
    done = deployed.run(drain, "healthy")
    assert (done.code, done.output) == (0, "note: waits for instance 7044\n")


def test_instance_that_does_not_become_healthy_is_told(deployed: Machine, drain: Path) -> None:
    (deployed.state / "containers/onetime-7044").unlink()
    names = deployed.base / "releases/1/host/names"
    names.write_text(names.read_text().replace("HEALTHY_LIMIT=180", "HEALTHY_LIMIT=2"))
    done = deployed.run(drain, "healthy")
    assert done.code == 1
    assert "instance 7044 is not healthy after 2 seconds: journalctl -u onetime@7044" in done.output


@pytest.mark.parametrize("words", [(), ("slam",)])
def test_unknown_word_is_refused(deployed: Machine, drain: Path, words: tuple[str, ...]) -> None:
    assert deployed.run(drain, *words).code == 2
    assert (deployed.state / "calls").read_text() == ""
