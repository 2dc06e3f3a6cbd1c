"""One deploy at a time per host: a lock that names its holder and lapses when the holder is gone.

The lock is a file in /run/onetime that its holder touches every few seconds. A holder that was
killed, or cut off, stops doing so; what it had begun on the host is guarded by its own unit.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shlex
import socket
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

import gevent
from paramiko import SSHException
from pyinfra import host, state
from pyinfra.api import Host, StringCommand, operation
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS

from names import CURRENT, LOCK, LOCK_BEAT, LOCK_LAPSE, MUTEX, NOTICE, RUN
from rollout.run import current_run

# Who deploys, as releases and refusals name it; one word.
OPERATOR = re.sub(r"[^\w.@-]", "_", f"{getpass.getuser()}@{socket.gethostname()}")
# Tells this run from every other.
RUN_ID = f"{os.getpid()}-{secrets.token_hex(4)}"
_TOKEN = f"{OPERATOR} {RUN_ID}"

# True where this run holds the lock.
_OURS = f'[ "$(cat {LOCK} 2>/dev/null)" = {shlex.quote(_TOKEN)} ]'
FREE = f"if {_OURS}; then rm -f {LOCK}; fi"
# To be put before a change: fails where somebody else has taken over meanwhile.
HELD = (
    f"{_OURS} || {{ echo \"the lock on this host was lost to $(cut -d' ' -f1 {LOCK} 2>/dev/null "
    '|| echo nobody), since this run was silent for too long: run it again" >&2; exit 1; }'
)

# Whoever holds the lock and lives touches it. One whose lock stays as it is for long is gone.
_TAKE = r"""
umask 077; mkdir -p {run}; exec 9>{mutex}; flock 9
seen=$(stat -c %y {lock} 2>/dev/null)
tries=0
[ -z "$seen" ] || echo "{notice}waits up to {lapse} seconds to see whether \
$(cut -d' ' -f1 {lock}) is still there" >&2
while [ -n "$seen" ] && [ $(($(date +%s) - $(stat -c %Y {lock}))) -lt {lapse} ] &&
    [ $tries -lt {tries} ]; do
  sleep 0.2; tries=$((tries + 1))
  now=$(stat -c %y {lock} 2>/dev/null)
  if [ -n "$now" ] && [ "$now" != "$seen" ]; then
    echo "$(cut -d' ' -f1 {lock}) is deploying to this host right now: wait, then run again" >&2
    exit 1
  fi
  seen=$now
done
if [ "$(readlink {current})" != "{release}" ]; then
  echo "somebody else has changed this host since this run looked at it: run again" >&2
  exit 1
fi
echo {token} > {lock}
"""


@operation()
def take(current: int | None) -> Generator[str]:
    """Take the host's lock; wait for a holder that may be gone.

    + current: the release that was live when this run looked at the host, if any
    """
    yield _TAKE.format(
        run=RUN,
        lock=LOCK,
        mutex=MUTEX,
        lapse=LOCK_LAPSE,
        tries=LOCK_LAPSE * 5,
        notice=NOTICE,
        current=CURRENT,
        release="" if current is None else f"releases/{current}",
        token=shlex.quote(_TOKEN),
    )
    if state.is_executing:
        # The host itself, as `host` means another one, or none, in another greenlet.
        itself = state.inventory.get_host(host.name)
        current_run(state).beats[host.name] = gevent.spawn(_beat, itself, connector_arguments(host))


def taken(owner: Host) -> bool:
    """Tell whether this run has taken the host's lock and not freed it yet."""
    return owner.name in current_run(owner.state).beats


def free(owner: Host) -> str:
    """Stop the signs of life and return the command that frees the lock."""
    if beat := current_run(owner.state).beats.pop(owner.name, None):
        beat.kill()
    return FREE


def drop(owner: Host) -> None:
    """Free the lock, if this run has it, outside of any command of an operation."""
    if taken(owner):
        command, arguments = free(owner), connector_arguments(owner)
        with suppress(SSHException, OSError, EOFError):
            owner.run_shell_command(StringCommand(command), **arguments)


def connector_arguments(owner: Host) -> dict[str, Any]:
    """Return how the running operation reaches its host: sudo and the like."""
    current: Mapping[str, Any] = dict(owner.current_op_global_arguments or {})
    return {key: value for key, value in current.items() if key in CONNECTOR_ARGUMENT_KEYS}


def _beat(owner: Host, arguments: dict[str, Any]) -> None:
    while True:
        gevent.sleep(LOCK_BEAT)
        # A connection that is gone shows where the run itself uses it.
        with suppress(SSHException, OSError, EOFError):
            owner.run_shell_command(
                StringCommand(f"if {_OURS}; then touch {LOCK}; fi"), **arguments
            )
