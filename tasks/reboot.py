"""Reboot hosts one after the other, each out of service from before it goes until it is whole.

The file that says so names the boot that was to end. So a run that was cut off is completed by the
next, which reboots no host again that has come back from the reboot it was drained for.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import gevent
from paramiko import SSHException
from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, Host, State, StringCommand, operation
from pyinfra.api.exceptions import ConnectError

from facts.gates import Gates, GatesState
from facts.paths import Question
from names import BOOT_LIMIT, PROC
from plan.drain import is_by_hand, is_rebooted
from rollout.observe import read_fact
from rollout.run import current_run
from tasks import lock
from tasks.drain import PROGRAM, locked
from tasks.verification import failure, verify

# A host on its way down is none that has come back, whatever it still answers.
_ASK = (
    "systemctl is-system-running | grep -Eqx 'starting|running|degraded' && "
    f"cat {PROC}/sys/kernel/random/boot_id"
)
_Step = Generator[str | StringCommand | FunctionCommand]


def one_by_one(*, gates: GatesState, question: Question) -> None:
    """Drain, reboot, wait until all is healthy, undrain: one host at a time."""
    name = "Drain, reboot, wait, undrain"
    current_run(state).switched[host.name] = _reboot(
        name=name, gates=gates, question=question, _serial=True
    )


@operation(is_idempotent=False)
def _reboot(gates: GatesState, question: Question) -> _Step:
    """Reboot this host, unless another one of this run has not come back.

    + gates: how they were when the run began
    + question: what to ask about its paths
    """
    if failed := current_run(state).failed:
        host.log(f"skipped, since {failed} failed: this host is as it was", logger.warning)
        return
    current = gates.current
    if state.is_executing:
        # The hosts before have taken their time.
        latest: GatesState | None = read_fact(host, Gates)
        if latest is None:
            yield failure([f"{host.name}: the host did not answer when asked about its gates"])
            return
        gates = latest
    if is_rebooted(gates):
        host.log(f"{gates.drain}, which is over", logger.info)
    else:
        yield from lock.take._inner(current=current)
        if not is_by_hand(gates):
            yield locked(f"close {lock.OPERATOR} {gates.boot}")
        # The lock is gone with the boot.
        lock.free(host)
        arguments = lock.connector_arguments(host) if state.is_executing else {}
        yield FunctionCommand(_reboot_and_wait, (gates.boot, arguments), {})
    yield f"{PROGRAM} healthy"
    if is_by_hand(gates):
        host.log(f"{gates.drain}: it stays so until verbs/undrain.py", logger.warning)
    else:
        yield f"{PROGRAM} open"
    if state.is_executing and (failed_paths := verify(question, None)):
        yield failure(failed_paths)


def _reboot_and_wait(state: State, host: Host, boot: str, arguments: dict[str, Any]) -> bool:
    """Reboot, and connect again when another boot than this one answers; tell whether it does."""
    host.log(f"reboots, and has {BOOT_LIMIT} seconds to come back", logger.info)
    # It may cut the connection off before it says how it ended; what counts is the next boot.
    with suppress(SSHException, OSError, EOFError):
        _, answer = host.run_shell_command(
            StringCommand("systemctl --no-block reboot"), **arguments
        )
        for line in answer.output_lines:
            host.log(line, logger.warning)
    host.disconnect()
    end = time.monotonic() + BOOT_LIMIT
    while time.monotonic() < end:
        gevent.sleep(1)
        if _current_boot(state, host, arguments) not in {None, boot}:
            with suppress(ConnectError):
                host.connect("rebooted", show_errors=False, raise_exceptions=True)
                return True
    host.log(
        f"has not come back within {BOOT_LIMIT} seconds of its reboot. It is drained: see to it, "
        "then run again",
        logger.error,
    )
    return False


def _current_boot(state: State, host: Host, arguments: dict[str, Any]) -> str | None:
    """Return what tells the host's boot from every other, none while it cannot be reached."""
    connector = host.connector_cls(state, host)
    try:
        connector.connect()
        done, answer = connector.run_shell_command(StringCommand(_ASK), **arguments)
        connector.disconnect()
    except (ConnectError, SSHException, OSError, EOFError) as error:
        logger.debug("%s: not reached: %s", host.name, error)
        return None
    return answer.stdout.strip() or None if done else None
