"""The switch: hosts change from one release to another, a few at a time, each by itself.

What changes a host runs on the host (`templates/switch.sh.j2`), as a unit that needs no connection.
From here it is started, confirmed where it touches the host's own network, awaited and checked. The
first host that fails ends the rollout: no other is touched.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Literal

import gevent
from paramiko import SSHException
from pyinfra import host, logger, state
from pyinfra.api import Host, State, StringCommand, operation
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.operation import OperationMeta

from facts.paths import Paths
from plan.changes import Changes
from plan.model import BEGIN, HOME, PATIENCE, RUN, SWITCH_UNIT, HostPlan
from plan.verdicts import asked_addresses, failures
from tasks import lock

# Seconds that the first instance of a host has to stay up before the next one's turn.
_WATCH = 5

_UNDER_WAY = f'[ "$(systemctl is-active {SWITCH_UNIT})" = activating ]'
_rollouts: dict[State, dict[str, OperationMeta]] = {}


def over(*, plan: HostPlan, changes: Changes, at_once: int) -> None:
    """Make the staged release live and verify every path; on at most `at_once` hosts at a time."""
    name = "Switch over and verify every path"
    _note(_over(name=name, plan=plan, changes=changes, _parallel=at_once))


def back(*, current: int, to: int, at_once: int) -> None:
    """Make an earlier release live again; on at most `at_once` hosts at a time."""
    _note(_back(name="Go back to an earlier release", current=current, to=to, _parallel=at_once))


def _note(switched: OperationMeta) -> None:
    _rollouts.setdefault(state, {})[host.name] = switched


@operation()
def _over(plan: HostPlan, changes: Changes) -> Generator[str]:
    """Switch this host over, unless another one of this run has failed to.

    + plan: what the host is to be
    + changes: what differs
    """
    if failed := _failed():
        host.log(f"not touched, since {failed} failed", logger.warning)
        if lock.taken(host):
            yield lock.free(host)
        return
    if told := changes.told():
        host.log(f"Will {told}", logger.info)
    if changes.switch is not None:
        rules: Literal["0", "1"] = "1" if changes.host_network else "0"
        yield from _change(*changes.switch, staged=changes.release, rules=rules)
    # A dry run changed nothing, so there is nothing to verify yet.
    if state.is_executing:
        yield from _verify(plan)
        if lock.taken(host):
            yield lock.free(host)


@operation()
def _back(current: int, to: int) -> Generator[str]:
    """Make an earlier release live again.

    + current: the number of the release that is live
    + to: the number of the one to go back to
    """
    if failed := _failed():
        host.log(f"not touched, since {failed} failed", logger.warning)
    else:
        yield from _change(current, to, staged=None, rules="auto")
    if state.is_executing:
        yield lock.free(host)


def _failed() -> str | None:
    """Return a host that this run has failed to switch over, if any."""
    switched = _rollouts.get(state, {}).items()
    return next((name for name, meta in switched if meta.is_complete() and meta.did_error()), None)


def _change(
    current: int, to: int, *, staged: int | None, rules: Literal["0", "1", "auto"]
) -> Generator[str]:
    """Start the change on the host, confirm it if it is asked for, and wait for its end.

    + rules: whether to set rules, forwarding and shim; `auto` if the two releases differ in them
    """
    replaced = current not in {0, to}
    yield "; ".join(
        [
            f"set -eu; {lock.HELD}; cd {HOME}; mkdir -p -m 700 {RUN}; rm -f {RUN}/result {RUN}/log",
            *([f"mv -T staging releases/{staged}"] if staged is not None else []),
            f"printf '%s\\n' from={current} to={to} rules={rules} "
            f"watch={_WATCH if replaced else 0} > switching.new",
            "mv switching.new switching",
            f"{BEGIN} /bin/sh {HOME}/releases/{max(current, to)}/switch.sh",
        ]
    )
    if rules != "0" and state.is_executing:
        yield f"while {_UNDER_WAY} && [ ! -e {RUN}/asking ]; do sleep 0.1; done"
        _confirm(host, lock.connector_arguments(host))
    yield (
        f"while {_UNDER_WAY}; do sleep 0.2; done; "
        f"code=$(cat {RUN}/result 2>/dev/null) || {{ code=1; "
        f"echo 'the change ended without a result: journalctl -u {SWITCH_UNIT}' >&2; }}; "
        f'if [ "$code" != 0 ]; then cat {RUN}/log >&2; {lock.FREE}; fi; exit "$code"'
    )


def _confirm(owner: Host, arguments: dict[str, Any]) -> None:
    """Tell the host over a new connection that it is still reached; it waits for that."""
    with suppress(TimeoutError), gevent.Timeout(PATIENCE, TimeoutError):
        while True:
            connector = owner.connector_cls(owner.state, owner)
            try:
                connector.connect()
                connector.run_shell_command(
                    StringCommand(f"[ ! -e {RUN}/asking ] || touch {RUN}/confirmed"), **arguments
                )
                connector.disconnect()
            except (ConnectError, SSHException, OSError, EOFError) as error:
                logger.debug("%s: no new connection: %s", owner.name, error)
                gevent.sleep(1)
            else:
                return


def _verify(plan: HostPlan) -> Generator[str]:
    """Ask every path of every instance; fail the host, naming each path that does not answer."""
    # Once more where one does not: the host's firewall may be reloaded at any moment.
    for _ in range(2):
        answers = host.get_fact(
            Paths,
            ports=[instance.port for instance in plan.instances],
            addresses=list(asked_addresses(plan)),
            health_path=plan.settings.health_path,
            db_host=plan.settings.db_host,
            db_port=plan.settings.db_port,
        )
        failed = list(failures(plan, answers or ()))
        if answers is None or not failed:
            break
    if answers is None:
        failed = [f"{plan.host}: the host did not answer when asked about its paths"]
    if failed:
        yield f"{lock.FREE}; printf '%s\\n' {' '.join(map(shlex.quote, failed))} >&2; exit 1"
    else:
        host.noop("every path answers")
