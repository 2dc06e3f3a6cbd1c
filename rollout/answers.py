"""What hosts say while they are asked: within limits of size and silence, and harmless to read.

A host that is broken, or hostile, costs the run that host and a sentence with its name.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from logging import LogRecord
from typing import Any

import gevent
from paramiko.channel import ChannelStdinFile
from pyinfra import logger
from pyinfra.api import StringCommand
from pyinfra.api.output import echo, format_text
from pyinfra.connectors import ssh, util
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from facts.text import printable, printable_with_colours
from names import ANSWER_BYTES, NOTICE, PATIENCE, SILENCE
from rollout.concealed import masked

# Between two signs of life of a connection, and without one, in seconds. A host that a change cuts
# off has time to take it back, and to say so.
_KEEPALIVE, _DEAD = 10, 2 * PATIENCE
_CHUNK = 1 << 16
_ANY_BUT_PLAIN = re.compile(rb"[^A-Za-z0-9 _./:=,@+-]")

_original_connect = SSHConnector.connect
_original_run = SSHConnector.run_shell_command


def guard_connections() -> None:
    """Have pyinfra speak to any login shell, and read what hosts say within limits.

    Connections notice their end, and nothing that comes over them acts on a terminal.
    """
    for module in (ssh, util):
        module.read_output_buffers = read_answer  # type: ignore[attr-defined]
    # Whatever else comes from hosts, names of files among it, is told through here.
    logger.addFilter(_harmless)
    # It closes the file once more and waits for a lock, wherever it runs: in the event loop, which
    # cannot wait, Python would print a traceback. pyinfra closes each of these files itself.
    ChannelStdinFile.__del__ = _leave  # type: ignore[assignment,method-assign]
    SSHConnector.connect = _connect  # type: ignore[assignment,method-assign]
    SSHConnector.run_shell_command = _run  # type: ignore[assignment,method-assign]


def _leave(_file: ChannelStdinFile) -> None:
    """Finalize nothing."""


def _harmless(record: LogRecord) -> bool:
    record.msg, record.args = masked(printable_with_colours(record.getMessage())), ()
    return True


def _connect(connector: SSHConnector) -> None:
    _original_connect(connector)
    transport = connector.client.get_transport() if connector.client else None
    if transport is not None:
        transport.set_keepalive(_KEEPALIVE)
        # A host that answers no more: when a question is put, and while its answer is awaited.
        transport.channel_timeout = _DEAD  # type: ignore[attr-defined]
        if hasattr(socket, "TCP_USER_TIMEOUT") and hasattr(transport.sock, "setsockopt"):
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD * 1000)


def _run(
    connector: SSHConnector,
    command: StringCommand | str,
    print_output: bool = False,
    print_input: bool = False,
    **arguments: Any,
) -> tuple[bool, CommandOutput]:
    if print_input:
        echo(f"{connector.host.print_prefix}>>> {command}", err=True)
    return _original_run(connector, for_any_shell(command), print_output, **arguments)


def for_any_shell(command: StringCommand | str) -> StringCommand:
    """Return a command that says the same to `sh`, and that every login shell passes on as it is.

    Shells such as fish and tcsh read line ends, backslashes and exclamation marks between quotes
    their own way, and what is to be run comes through them.
    """
    text = command if isinstance(command, str) else str(command.get_raw_value())
    encoded = _ANY_BUT_PLAIN.sub(lambda it: f"\\0{it[0][0]:03o}".encode(), text.encode()).decode()
    return StringCommand(f'eval "$(printf %b "{encoded}")"')


def read_answer(
    stdout_buffer: Any,
    stderr_buffer: Any,
    timeout: int | None,
    print_output: bool,
    print_prefix: str,
) -> CommandOutput:
    """Read what a command says until its end: pyinfra's own, with limits and harmless lines.

    Where a limit is met, the last line says which, and a command over SSH is ended: it has failed.
    Raises `TimeoutError` after so many seconds, if there are to be that few.
    """
    answer = _Answer(stdout_buffer, print_output, print_prefix)
    readers = [
        gevent.spawn(answer.read, "stdout", stdout_buffer),
        gevent.spawn(answer.read, "stderr", stderr_buffer),
    ]
    watcher = gevent.spawn(answer.watch)
    ended = gevent.wait(readers, timeout=timeout)
    gevent.killall([*readers, watcher])
    if len(ended) != len(readers):
        raise TimeoutError
    return CommandOutput(answer.lines)


class _Answer:
    """What one command has said so far.

    + heard: when its host was last heard, on the monotonic clock
    """

    def __init__(self, stdout_buffer: Any, print_output: bool, print_prefix: str) -> None:
        self.lines: list[OutputLine] = []
        self.heard = time.monotonic()
        self._channel = getattr(stdout_buffer, "channel", None)
        self._print_output = print_output
        self._prefix = print_prefix

    def read(self, name: str, buffer: Any) -> None:
        """Read one stream to its end, or to the limit."""
        for line in self._whole_lines(name, buffer):
            text = printable(line)
            # What comes on the other stream may be an answer, which is not for the operator.
            if name == "stderr":
                text = masked(text)
            noticed = name == "stderr" and text.startswith(NOTICE)
            if noticed:
                text = text.removeprefix(NOTICE)
            else:
                self.lines.append(OutputLine(name, text))
            if self._print_output or noticed:
                shown = format_text(text, "red") if name == "stderr" and not noticed else text
                echo(f"{self._prefix}{masked(shown)}", err=True)

    def watch(self) -> None:
        """End the command when it has been silent for too long."""
        while (left := self.heard + SILENCE - time.monotonic()) > 0:
            gevent.sleep(left)
        self._end(f"nothing was heard for {SILENCE} seconds, and it has not ended")

    def _whole_lines(self, name: str, buffer: Any) -> Iterator[str]:
        size, pieces = 0, [b""]
        for chunk in self._chunks(name, buffer):
            self.heard = time.monotonic()
            size += len(chunk)
            beginning, *lines = chunk.split(b"\n")
            pieces.append(beginning)
            for following in lines:
                yield b"".join(pieces).decode(errors="backslashreplace")
                pieces = [following]
            if size >= ANSWER_BYTES:
                self._end(f"more than {ANSWER_BYTES >> 20} MiB came as an answer")
                return
        if ending := b"".join(pieces):
            yield ending.decode(errors="backslashreplace")

    def _chunks(self, name: str, buffer: Any) -> Iterator[bytes]:
        if self._channel is None:
            yield from buffer
            return
        receive = self._channel.recv if name == "stdout" else self._channel.recv_stderr
        while chunk := receive(_CHUNK):
            yield chunk

    def _end(self, complaint: str) -> None:
        self.lines.append(OutputLine("stderr", complaint))
        if self._channel is not None:
            self._channel.close()
