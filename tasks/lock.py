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

from plan.model import CURRENT, RUN

# Seconds between two signs of life, and without one until the lock lapses.
_BEAT, _LAPSE = 3, 15

# Who deploys, as releases and refusals name it; one word.
OPERATOR = re.sub(r"[^\w.@-]", "_", f"{getpass.getuser()}@{socket.gethostname()}")
_TOKEN = f"{OPERATOR} {os.getpid()}-{secrets.token_hex(4)}"
_LOCK = f"{RUN}/lock"
_beats: dict[str, gevent.Greenlet[..., None]] = {}

# True where this run holds the lock.
_OURS = f'[ "$(cat {_LOCK} 2>/dev/null)" = {shlex.quote(_TOKEN)} ]'
FREE = f"if {_OURS}; then rm -f {_LOCK}; fi"
# To be put before a change: fails where somebody else has taken over meanwhile.
HELD = (
    f"{_OURS} || {{ echo \"the lock on this host was lost to $(cut -d' ' -f1 {_LOCK} 2>/dev/null "
    '|| echo nobody), since this run was silent for too long: run it again" >&2; exit 1; }'
)

# Whoever holds the lock and lives touches it. One whose lock stays as it is for long is gone.
_TAKE = r"""
umask 077; mkdir -p {run}; exec 9>{run}/mutex; flock 9
seen=$(stat -c %y {lock} 2>/dev/null)
tries=0
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
        lock=_LOCK,
        lapse=_LAPSE,
        tries=_LAPSE * 5,
        current=CURRENT,
        release="" if current is None else f"releases/{current}",
        token=shlex.quote(_TOKEN),
    )
    if state.is_executing:
        # The host itself, as `host` means another one, or none, in another greenlet.
        itself = state.inventory.get_host(host.name)
        _beats[host.name] = gevent.spawn(_beat, itself, connector_arguments(host))


def taken(owner: Host) -> bool:
    """Tell whether this run has taken the host's lock and not freed it yet."""
    return owner.name in _beats


def free(owner: Host) -> str:
    """Stop the signs of life and return the command that frees the lock."""
    if beat := _beats.pop(owner.name, None):
        beat.kill()
    return FREE


def connector_arguments(owner: Host) -> dict[str, Any]:
    """Return how the running operation reaches its host: sudo and the like."""
    given: Mapping[str, Any] = dict(owner.current_op_global_arguments or {})
    return {key: value for key, value in given.items() if key in CONNECTOR_ARGUMENT_KEYS}


def _beat(owner: Host, arguments: dict[str, Any]) -> None:
    while True:
        gevent.sleep(_BEAT)
        # A connection that is gone shows where the run itself uses it.
        with suppress(SSHException, OSError, EOFError):
            owner.run_shell_command(
                StringCommand(f"if {_OURS}; then touch {_LOCK}; fi"), **arguments
            )
