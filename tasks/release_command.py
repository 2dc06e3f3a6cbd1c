"""The release command: once for all hosts, before the first of them changes."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Generator, Mapping

from pyinfra import host, logger
from pyinfra.api import operation

from names import RELEASE_LIMIT
from rollout.prepare import Prepared
from tasks import lock
from tasks.release import STAGED


def run(*, prepared: Prepared) -> None:
    """Run the release command on this host, if it is the one to; what it says is shown."""
    command = prepared.plan.settings.release_command
    if prepared.release_secrets is None or command is None:
        return
    _run(
        name="Run the release command, once for all hosts",
        command=list(command),
        _stdin=_lines(prepared.release_secrets),
    )


@operation()
def _run(command: list[str]) -> Generator[str]:
    """Run a command with the staged release; its own secrets come on standard input.

    + command: the words of it
    """
    host.log(f"Will run {shlex.join(command)}", logger.info)
    words = shlex.join(["release", str(RELEASE_LIMIT), *command])
    yield (
        f"{lock.HELD}; sh {STAGED}/host/once.sh {words} || {{ rm -rf {STAGED}; "
        f"echo 'the release command failed; nothing was changed' >&2; {lock.FREE}; exit 1; }}"
    )


def _lines(secrets: Mapping[str, str]) -> str:
    return "\n".join(
        f"{variable} {base64.b64encode(value.encode()).decode()}"
        for variable, value in secrets.items()
    )
