"""A run that could do nothing, or could not end well, ends at once: one sentence, and not with 0.

pyinfra itself ends with success where `--limit` matches no host, where there is no inventory, and
after Ctrl-C; and with a traceback where a key is missing or nobody is there to confirm.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NoReturn

import click
from pyinfra import logger
from pyinfra.api import Host, Inventory, State
from pyinfra.api.exceptions import NoGroupError, PyinfraError
from pyinfra.connectors.ssh_util import get_private_key

from rollout.answers import guard_connections
from rollout.command_line import remember
from rollout.notices import announce_end
from rollout.run import current_run

_FAILURE, _CHANGES, _INTERRUPTED = 1, 2, 130

# Verbs that ask nobody: they change nothing, or what they do is all on the command line.
_READING = {"status.py", "diagnose.py", "history.py", "logs.py", "map.py", "run.py"}

_PASSWORDS = ("_sudo_password", "_use_sudo_password", "_su_password")
_EXPOSED = (
    "pyinfra would show it to every local user of the host, in command lines. "
    "Log in as root, or let sudo ask for no password (NOPASSWD)"
)


class InventoryOrder(set[Host]):
    """Hosts, in the inventory's order: the first of a rollout is the one that it names first."""

    def __init__(self, inventory: Iterable[Host]) -> None:
        super().__init__()
        # The scheduler starts when all else has changed.
        self._places = {
            host: (bool(host.data.get("scheduler")), place) for place, host in enumerate(inventory)
        }

    def __iter__(self) -> Iterator[Host]:
        return iter(sorted(super().__iter__(), key=self._places.__getitem__))


def guard(state: State, context: click.Context) -> None:
    """Have the run that begins end with a sentence where it could do nothing.

    And a dry run end with 2 where there is something to do.

    + context: of pyinfra's own command line
    """
    params = context.params
    guard_connections()
    remember(params)
    context.call_on_close(lambda: announce_end(state))
    if params["dry"]:
        context.call_on_close(lambda: _end_dry_run(state))
    signal.signal(signal.SIGINT, _interrupt)
    if problem := _problem(params):
        _end([problem])
    initialise = state.init

    def check(inventory: Inventory, *arguments: Any, **options: Any) -> None:
        initialise(inventory, *arguments, **options)
        if _asks_nobody(params):
            # pyinfra would ask whether to go on without a host that cannot be reached.
            state.config.FAIL_PERCENT = None
            state.config.lock_current_state()
        state.active_hosts = InventoryOrder(inventory)
        problems = [*_unmatched(inventory, params)]
        hosts = [host for host in inventory if state.is_host_in_limit(host)]
        for host in hosts:
            problems += _host_problems(state, host)
        if not hosts and not problems:
            problems.append(
                "no host is left. The inventory names none, or --limit and --exclude do"
            )
        if problems:
            _end(problems)

    # pyinfra calls nothing of ours between the inventory and the first connection.
    state.init = check  # type: ignore[method-assign]


def _end_dry_run(state: State) -> None:
    # pyinfra itself ends with 0 whatever a dry run has found.
    if current_run(state).changes and not state.failed_hosts:
        sys.exit(_CHANGES)


def _problem(params: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the command line itself."""
    inventory = str(params["inventory"])
    path = Path(inventory)
    is_path = (
        inventory.endswith(".py") or path.exists() or ("/" in inventory and "@" not in inventory)
    )
    if is_path and not path.is_file():
        return f"there is no inventory {inventory}. Name a file; paths start at {Path.cwd()}"
    for word in params["data"]:
        if "=" not in word:
            return f"--data {word} has no value. Say it as --data {word}=…"
    deploys = all(operation.endswith(".py") for operation in params["operations"])
    asks = not (params["yes"] or params["dry"] or params["json_output"] or _asks_nobody(params))
    if deploys and asks and not sys.stdin.isatty():
        return "nobody is there to confirm the changes. Add -y to make them, or --dry to see them"
    if params["use_sudo_password"] or params["same_sudo_password"]:
        return f"a password for sudo: {_EXPOSED}"
    return None


def _asks_nobody(params: Mapping[str, Any]) -> bool:
    return all(Path(operation).name in _READING for operation in params["operations"])


def _unmatched(inventory: Inventory, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem per pattern of `--limit` and `--exclude` that no host or group matches."""
    names = [host.name for host in inventory]
    for option in ("limit", "exclude"):
        for pattern in params[option] or ():
            try:
                matched = bool(inventory.get_group(pattern))
            except NoGroupError:
                matched = any(fnmatch(name, pattern) for name in names)
            if not matched:
                yield (
                    f"--{option} {pattern} matches no host and no group. Correct it; each host or "
                    f"pattern takes a --{option} of its own"
                )


def _host_problems(state: State, host: Host) -> Iterator[str]:
    for word in _PASSWORDS:
        if host.data.get(word):
            yield f"{host.name}: {word}: {_EXPOSED}"
    key = host.data.get("ssh_key")
    if key:
        try:
            get_private_key(state, key, host.data.get("ssh_key_password"))
        except PyinfraError as error:
            yield f"{host.name}: ssh_key: {error}. Correct the path or the key"


def _interrupt(*_: object) -> NoReturn:
    click.echo("interrupted: what a host has begun it finishes or takes back. Run again", err=True)
    # At once: an exception would end whatever part of the run is just at work, and not the run.
    os._exit(_INTERRUPTED)


def _end(problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        logger.error("%s.", problem)
    sys.exit(_FAILURE)
