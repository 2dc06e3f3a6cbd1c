"""The switch: hosts change from one release to another, a few at a time, each by itself.

What changes a host runs on the host (`host/switch.sh`), as a unit that needs no connection.
From here it is started, confirmed where it touches the host's own network, awaited and checked. The
first host that fails ends the rollout: no other is touched.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from secrets import token_hex
from typing import Any, Literal

import gevent
from paramiko import SSHException
from pyinfra import host, logger, state
from pyinfra.api import Host, StringCommand, operation
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.operation import OperationMeta

from names import (
    ASKING,
    BASE,
    CONFIRMED,
    IMAGE_STORE,
    LINKS,
    NOTICE,
    PATIENCE,
    RELEASES,
    RESULT,
    RUN,
    SIGN_OF_LIFE,
    SWITCH,
    SWITCH_LOG,
    SWITCH_UNIT,
    SYSTEMD_HOME,
    TRANSIENT,
    WATCH,
)
from plan.compare.changes import Changes
from plan.compare.verdicts import question
from plan.model import HostPlan
from rollout.notices import announce_start
from rollout.prepare import Rollback
from rollout.run import current_run
from tasks import lock
from tasks.release import STAGED
from tasks.verification import failure, verify

_UNIT = f"{SYSTEMD_HOME}/{SWITCH_UNIT}"
# It runs, waits to be started again after it was killed, or is about to start.
_UNDER_WAY = (
    f"systemctl show --property=ActiveState,Job {SWITCH_UNIT} | "
    "grep -Eqx 'ActiveState=activating|Job=[1-9][0-9]*'"
)


def _while(condition: str) -> str:
    """Return the command that waits while something holds, with signs of life."""
    return (
        f"turns=0; while {condition}; do turns=$((turns + 1)); sleep 0.2; "
        f"[ $((turns % {5 * SIGN_OF_LIFE})) != 0 ] || "
        f'echo "{NOTICE}$(tail -n 1 {SWITCH_LOG} 2>/dev/null | grep . || echo changes)" >&2; done'
    )


def over(
    *, plan: HostPlan, changes: Changes, at_once: int, unasked: str = "", last: bool = True
) -> None:
    """Make the staged release live and verify every path; on at most `at_once` hosts at a time.

    + unasked: what no question about the paths can see, as a clause
    + last: this run does nothing more on the host, and frees its lock
    """
    name = "Switch over and verify every path"
    _note(
        _over(
            name=name,
            plan=plan,
            changes=changes,
            unasked=unasked,
            last=last,
            _parallel=at_once,
        )
    )


def back(*, rollback: Rollback) -> None:
    """Make an earlier release live again and verify every path; on some hosts at a time."""
    name = "Go back to an earlier release and verify every path"
    _note(_back(name=name, rollback=rollback, _parallel=rollback.at_once))


def _note(switched: OperationMeta) -> None:
    current_run(state).switched[host.name] = switched


@operation()
def _over(plan: HostPlan, changes: Changes, unasked: str, last: bool) -> Generator[str]:
    """Switch this host over, unless another one of this run has failed to.

    + plan: what the host is to be
    + changes: what differs
    + unasked: what no question about its paths can see
    + last: whether the lock is to be freed
    """
    if failed := current_run(state).failed:
        _skip(failed)
        return
    if changes.switch is not None:
        if state.is_executing:
            announce_start(state)
            host.log("its turn: it changes now", logger.info)
        rules: Literal["0", "1"] = "1" if changes.host_network else "0"
        yield from _change(*changes.switch, staged=changes.release, rules=rules)
    # A dry run changed nothing, so there is nothing to verify yet.
    if not state.is_executing:
        return
    if failed_paths := verify(question(plan), plan):
        yield failure(failed_paths)
    elif unasked:
        host.log(f"every path answers{unasked}", logger.warning)
    else:
        host.noop("every path answers")
    if last and lock.taken(host):
        yield lock.free(host)


@operation()
def _back(rollback: Rollback) -> Generator[str]:
    """Make an earlier release live again; where a path does not answer then, come back to this one.

    + rollback: from which release to which
    """
    if failed := current_run(state).failed:
        _skip(failed)
        return
    host.log(f"Will {rollback.summary()}", logger.info)
    yield from _change(rollback.current, rollback.to, staged=None, rules="auto")
    if not state.is_executing:
        return
    if failed_paths := verify(rollback.question, None):
        host.log(f"release {rollback.to} does not serve: back to {rollback.current}", logger.error)
        yield from _change(rollback.to, rollback.current, staged=None, rules="auto")
        yield failure(failed_paths)
    yield lock.free(host)


def _skip(failed: str) -> None:
    """Leave this host as it is. No command: pyinfra would print its success."""
    host.log(f"skipped, since {failed} failed: this host is as it was", logger.warning)
    lock.drop(state.inventory.get_host(host.name))


def _change(
    current: int, to: int, *, staged: int | None, rules: Literal["0", "1", "auto"]
) -> Generator[str]:
    """Start the change on the host, confirm it if it is asked for, and wait for its end.

    + rules: whether to set rules, forwarding and shim; `auto` if the two releases differ in them
    """
    replaced = current not in {0, to}
    # Tells this change's question to its operator from one that a killed run has left.
    token = token_hex(8)
    yield "; ".join(
        [
            f"set -eu; {lock.HELD}; cd {BASE}; mkdir -p -m 700 {RUN}; rm -f {RESULT} {SWITCH_LOG}",
            *([f"mv -T {STAGED} releases/{staged}"] if staged is not None else []),
            # What `switching` promises is on the disk before it is: a power cut may come.
            f"for disk in {RELEASES} {IMAGE_STORE}; do sync --file-system $disk; done",
            f"printf '%s\\n' from={current} to={to} rules={rules} token={token} "
            f"operator={lock.OPERATOR} plan={current_run(state).plan} "
            f"watch={WATCH if replaced else 0} > switching.new; sync switching.new",
            "mv switching.new switching",
            f"ln -sfn {RELEASES}/{max(current, to)} switch.new; mv -T switch.new {SWITCH}",
            f"sync {BASE}",
            # What a crash has left of a unit of that name. Systemd forgets a transient one, which
            # older versions of the deploy made, only while its file is still there.
            f"systemctl stop {SWITCH_UNIT} 2>/dev/null || :",
            f"systemctl reset-failed {SWITCH_UNIT} 2>/dev/null || :",
            f"rm -rf {TRANSIENT}/{SWITCH_UNIT}*; ln -sfn {LINKS[_UNIT]} {_UNIT}",
            "systemctl daemon-reload",
            f"systemctl start --no-block {SWITCH_UNIT}",
        ]
    )
    if rules != "0" and state.is_executing:
        asking = f'[ "$(cat {ASKING} 2>/dev/null)" = {token} ]'
        yield _while(f"{_UNDER_WAY} && ! {asking}")
        answer = f"! {asking} || echo {token} >{CONFIRMED}"
        _confirm(host, answer, lock.connector_arguments(host))
    yield (
        f"{_while(_UNDER_WAY)}; "
        f"code=$(cat {RESULT} 2>/dev/null) || {{ code=1; "
        f"echo 'the change ended without a result: journalctl -u {SWITCH_UNIT}' >&2; }}; "
        f'if [ "$code" != 0 ]; then cat {SWITCH_LOG} >&2; {lock.FREE}; fi; exit "$code"'
    )


def _confirm(owner: Host, answer: str, arguments: dict[str, Any]) -> None:
    """Tell the host over a new connection that it is still reached; it waits for that."""
    with suppress(TimeoutError), gevent.Timeout(PATIENCE, TimeoutError):
        while True:
            connector = owner.connector_cls(owner.state, owner)
            try:
                connector.connect()
                connector.run_shell_command(StringCommand(answer), **arguments)
                connector.disconnect()
            except (ConnectError, SSHException, OSError, EOFError) as error:
                logger.debug("%s: no new connection: %s", owner.name, error)
                gevent.sleep(1)
            else:
                return
