"""Put a host out of service until told otherwise, and back."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra import host, logger
from pyinfra.api import operation

from facts.gates import GatesState
from names import CURRENT
from plan.drain import is_to_close, is_to_open
from tasks import lock

PROGRAM = f"sh {CURRENT}/host/drain.sh"


def close(*, gates: GatesState) -> None:
    """Close the gates and wait for requests in progress; none opens until the host is undrained."""
    if is_to_close(gates):
        lock.take(name="Lock the host", current=gates.current)
    _close(name="Close the gates and wait for requests in progress", gates=gates)


def open_again(*, gates: GatesState) -> None:
    """Open the gates of what runs; what starts opens its own."""
    if is_to_open(gates):
        lock.take(name="Lock the host", current=gates.current)
    _open(name="Open the gates", gates=gates)


@operation()
def _close(gates: GatesState) -> Generator[str]:
    """Drain this host.

    + gates: how they are
    """
    if not is_to_close(gates):
        host.log(f"{gates.drain}", logger.info)
        return
    yield locked(f"close {lock.OPERATOR}")
    yield lock.free(host)


@operation()
def _open(gates: GatesState) -> Generator[str]:
    """Undrain this host.

    + gates: how they are
    """
    if not is_to_open(gates):
        host.log("not drained", logger.info)
        return
    yield locked("open")
    yield lock.free(host)


def locked(words: str) -> str:
    """Return the command that runs the program while this run holds the lock."""
    return f"{lock.HELD}; {PROGRAM} {words} || {{ {lock.FREE}; exit 1; }}"
