"""A command on a host whose lines are read as they come, however many, and for however long.

What pyinfra runs is read to its end first. Here the host is told by its standard input that nobody
reads any more: that is open as long as this program and the connection are.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from paramiko import SSHException
from pyinfra.api import Host, StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import extract_control_arguments, make_unix_command_for_host

from facts.text import printable
from rollout.answers import for_any_shell
from rollout.concealed import masked

_CHUNK = 1 << 16
# Of one line. What is longer comes in pieces, since a host may never end it.
_LONGEST = 1 << 20
_INTERRUPTED = 130
# What ends a stream early: the connection, or the host's answer that makes no sense.
FAILURES = (OSError, EOFError, SSHException, ValueError)


class Stream:
    """One command, from its start on.

    Raises one of `FAILURES` where it cannot be started, or a line is awaited for too long.

    + patience: seconds without a line that are too long, none if nothing is
    """

    def __init__(self, host: Host, command: str, *, patience: float | None = None) -> None:
        connector = host.connector
        if not isinstance(connector, SSHConnector) or connector.client is None:
            raise ConnectionError("this verb needs a host that is reached over SSH")
        transport = connector.client.get_transport()
        if transport is None:
            raise ConnectionError("the connection is closed")
        self._channel = transport.open_session()
        self._channel.settimeout(patience)
        self._channel.exec_command(_as_configured(host, command))

    def output(self) -> Iterator[str]:
        """Yield the lines of standard output."""
        return self._lines(self._channel.recv)

    def errors(self) -> Iterator[str]:
        """Yield the lines of standard error."""
        return self._lines(self._channel.recv_stderr)

    def code(self) -> int:
        """Wait for the end and return the exit code; raise `ConnectionError` if it has none."""
        code: int = self._channel.recv_exit_status()
        if code < 0:
            raise ConnectionError("the command was killed, or the connection ended")
        return code

    def _lines(self, receive: Callable[[int], bytes]) -> Iterator[str]:
        try:
            yield from whole_lines(iter(lambda: receive(_CHUNK), b""))
        except TimeoutError:
            patience = self._channel.gettimeout()
            raise ConnectionError(f"nothing was heard for {patience:.0f} seconds") from None


def harmless(text: str) -> str:
    """Return a line of a host's as it is shown: nothing in it acts on a terminal or is secret."""
    return masked(printable(text))


def show(line: str, *, error: bool = False) -> None:
    """Print a line at once; where nobody reads any more, the run ends."""
    try:
        print(line, flush=True, file=sys.stderr if error else sys.stdout)
    except BrokenPipeError:
        os._exit(0)


def end_when_interrupted() -> None:
    """Have Ctrl-C end the run without a word: nothing of a deploy is under way."""
    signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> NoReturn:
    os._exit(_INTERRUPTED)


def _as_configured(host: Host, command: str) -> str:
    """Return a command as pyinfra would run it on that host, with sudo where that is wanted."""
    arguments, _ = pop_global_arguments(host.state, host, {})
    words = {key: value for key, value in arguments.items() if key in CONNECTOR_ARGUMENT_KEYS}
    extract_control_arguments(words)  # type: ignore[arg-type]
    text = StringCommand(for_any_shell(command))
    return str(make_unix_command_for_host(host.state, host, text, **words).get_raw_value())


def whole_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield text by its lines, whatever pieces it comes in."""
    remainder = b""
    for chunk in chunks:
        *lines, remainder = (remainder + chunk).split(b"\n")
        if len(remainder) > _LONGEST:
            lines, remainder = [*lines, remainder], b""
        for line in lines:
            yield line.decode(errors="backslashreplace")
    if remainder:
        yield remainder.decode(errors="backslashreplace")
