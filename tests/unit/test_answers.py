"""What hosts say is read within limits, and nothing of it acts on the operator's terminal."""

from __future__ import annotations

import re
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import gevent
import pytest
from gevent import socket
from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api import StringCommand
from pyinfra.api.output import set_echo
from pyinfra.connectors.util import CommandOutput

from facts.text import printable, printable_with_colours
from plan.problems import Problem
from rollout import answers
from rollout.invocation import InventoryOrder
from tests.unit.observed import FIXTURES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x1b]0;title\x1b\\", "\\x1b]0;title\\x1b\\"),
        ("\x9b2J", "\\x9b2J"),
        ("bad\rgood", "bad\\rgood"),
        ("line\r", "line"),
        ("one\r\ntwo", "one\\ntwo"),
        ("back\b\b\b\bword", "back\\x08\\x08\\x08\\x08word"),
        ("\u202egnirts", "\\u202egnirts"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tab\tstays", "tab\tstays"),
        ("Grüße, 東京", "Grüße, 東京"),
        ("\x1b[8mhidden\x1b[38;5;0mtext", "hiddentext"),
    ],
)
def test_text_of_hosts_is_harmless(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_any_text_can_be_printed(text: str) -> None:
    assert printable(text, keep="").isprintable()


def test_colours_of_pyinfras_own_stay() -> None:
    told = "--> \x1b[34mStarting\x1b[0m\n    \x1b]0;x\x07\x1b[2J"
    shown = "--> \x1b[34mStarting\x1b[0m\n    \\x1b]0;x\\x07\\x1b[2J"
    assert printable_with_colours(told) == shown


@dataclass
class Channel:
    """The end of a connection where a command's streams arrive: two real sockets."""

    out: socket.socket
    err: socket.socket
    closed: bool = False

    def recv(self, size: int) -> bytes:
        return self.out.recv(size)

    def recv_stderr(self, size: int) -> bytes:
        return self.err.recv(size)

    def close(self) -> None:
        self.closed = True
        for end in (self.out, self.err):
            end.shutdown(socket.SHUT_RDWR)


@dataclass
class Stream:
    """What pyinfra reads a stream from."""

    channel: Channel


def read(
    monkeypatch: pytest.MonkeyPatch, speak: Any, *, silence: float = 5, most: int = 1 << 20
) -> tuple[CommandOutput, Channel]:
    """Have a host speak on two streams; return what pyinfra has of it.

    The limits are smaller than those of a run, which no test could wait for.
    """
    monkeypatch.setattr(answers, "SILENCE", silence)
    monkeypatch.setattr(answers, "ANSWER_BYTES", most)
    (out, out_there), (err, err_there) = socket.socketpair(), socket.socketpair()
    channel = Channel(out, err)

    def host() -> None:
        try:
            speak(out_there, err_there)
            out_there.close()
            err_there.close()
        except OSError:
            pass

    gevent.spawn(host)
    stream = Stream(channel)
    return answers.read_answer(stream, stream, 60, False, "    [h] "), channel


def test_lines_arrive_whole_whatever_pieces_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def speak(out: socket.socket, err: socket.socket) -> None:
        for piece in ("a", "b\nc", "\xe4\n".encode()[:1].decode("latin-1"), "\n\nlast"):
            out.sendall(piece.encode("latin-1"))
            gevent.sleep(0.01)
        err.sendall(b"\x1b]0;x\x07oops\xff\n")

    output, channel = read(monkeypatch, speak)
    assert output.stdout_lines == ["ab", "c\\xc3", "", "last"]
    assert output.stderr_lines == ["\\x1b]0;x\\x07oops\\xff"]
    assert not channel.closed


def test_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def speak(out: socket.socket, _: socket.socket) -> None:
        while True:
            out.sendall(b"x" * 1000)

    output, channel = read(monkeypatch, speak)
    assert channel.closed
    assert output.stderr_lines == ["more than 1 MiB came as an answer"]


def test_silence_ends_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def speak(out: socket.socket, _: socket.socket) -> None:
        out.sendall(b"begun\n")
        gevent.sleep(60)

    before = time.monotonic()
    output, channel = read(monkeypatch, speak, silence=0.3)
    assert channel.closed
    assert output.stdout_lines == ["begun"]
    assert output.stderr_lines == ["nothing was heard for 0.3 seconds, and it has not ended"]
    assert time.monotonic() - before < 30


@pytest.fixture
def on_terminal() -> Iterator[None]:
    """Have pyinfra print, as its command line does."""
    set_echo(click.echo)
    yield
    set_echo(lambda *_, **__: None)


@pytest.mark.usefixtures("on_terminal")
def test_signs_of_life_on_either_stream_keep_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def speak(out: socket.socket, err: socket.socket) -> None:
        for _ in range(10):
            gevent.sleep(0.1)
            err.sendall(b"note: waits for \x1b]0;x\x07somebody\n")
        out.sendall(b"done\n")

    output, channel = read(monkeypatch, speak, silence=0.5)
    assert not channel.closed
    assert (output.stdout_lines, output.stderr_lines) == (["done"], [])
    # What a host waits for is told at once, with its name.
    notices = capsys.readouterr().err.splitlines()
    assert len(notices) == 10
    assert set(notices) == {"    [h] waits for \\x1b]0;x\\x07somebody"}


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_error_is_as_long_as_can_be_read(size: int) -> None:
    shown = str(Problem("h", "key", "x" * size + "\x1b[2J\x07", "y" * size))
    assert len(shown) < 1400
    assert shown.startswith("h: key: xxx")
    assert shown.isprintable()


@pytest.mark.parametrize(
    "command",
    [
        "printf '%s\\\\n' \"it's 100% ü\"",
        "false || exit 7",
        "set -eu; echo a\\\\b!\n\techo 'b\nc' | cat; cat",
    ],
)
def test_command_says_the_same_through_any_shell(command: str) -> None:
    encoded = answers.for_any_shell(StringCommand(command)).get_raw_value()
    assert answers.for_any_shell(command).get_raw_value() == encoded
    # Within single quotes fish reads no backslash before a digit, and tcsh none on its line.
    assert set(encoded) <= {*string.ascii_letters, *string.digits, *' _./:=,@+-"$()%\\'}
    assert not re.search(r"\\[^0]", encoded)

    def run(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", text], input="stdin", capture_output=True, text=True, check=False
        )

    plain, wrapped = run(command), run(encoded)
    assert (wrapped.returncode, wrapped.stdout) == (plain.returncode, plain.stdout)


def test_hosts_are_in_the_inventorys_order() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name
            self.data = {"scheduler": name == "b"}

    hosts = [Named(name) for name in "dbac"]
    active = InventoryOrder(hosts)  # type: ignore[arg-type]
    for host in sorted(hosts, key=lambda host: host.name):
        active.add(host)  # type: ignore[arg-type]
    assert [host.name for host in active] == list("dacb")
    active -= {hosts[2]}
    assert [host.name for host in active] == list("dcb")


def test_file_that_is_dropped_waits_for_nothing() -> None:
    """Python prints a traceback for a finalizer that would wait in the event loop."""
    script = """
from paramiko.channel import ChannelStdinFile
from rollout.answers import guard_connections

class Channel:
    def shutdown_write(self):
        print("waits")

for guard in (lambda: None, guard_connections):
    guard()
    file = ChannelStdinFile(Channel(), "wb")
    file.close()
    print("dropped")
    del file
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=FIXTURES.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["waits", "dropped", "waits", "waits", "dropped"]
