"""Instances and the Podman networks they stand on: stopped, made anew, started."""

from __future__ import annotations

import base64
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import deploy, operation

from plan.changes import Changes
from plan.model import CURRENT, Secret


@deploy("Instances")
def clear(changes: Changes) -> None:
    """Stop what has no place any more, and remove the networks that are to differ."""
    stop(name="Stop instances that left the inventory", changes=changes)
    renew_networks(name="Remove changed networks", changes=changes)


@deploy("Instances")
def start(changes: Changes) -> None:
    """Make the running instances those of the plan; untouched ones are left alone."""
    for secret in changes.secrets:
        value = base64.b64encode(secret.value.encode()).decode()
        set_secret(name="Set a secret", secret=secret, _stdin=value)
    restart(name="Start instances and wait until they are healthy", changes=changes)


@operation()
def stop(changes: Changes) -> Generator[str]:
    """Stop what the plan has no place for.

    + changes: what differs
    """
    if not changes.stop:
        host.noop("no instance left the inventory")
    for port in changes.stop:
        unit = f"onetime@{port}.service"
        yield (
            f"systemctl stop {unit}; systemctl reset-failed {unit} 2>/dev/null; "
            # A unit whose file is gone no longer knows how to remove its container.
            f"podman rm --force --ignore --time 20 onetime-{port} >/dev/null"
        )


@operation()
def renew_networks(changes: Changes) -> Generator[str]:
    """Remove changed networks, so that their units make them from the new definition.

    `podman network create --ignore` in the unit leaves a network that exists as it is.

    + changes: what differs
    """
    if not changes.networks:
        host.noop("the networks are as planned")
        return
    yield "systemctl stop 'onetime@*.service'"
    for name in changes.networks:
        # The unit of a network that left the plan is gone; the network is not.
        yield (
            f"systemctl stop {name}-network.service 2>/dev/null; "
            f"! podman network exists {name} || podman network rm {name}"
        )


@operation()
def set_secret(secret: Secret) -> Generator[str]:
    """Set a Podman secret; its value comes on standard input, in base64.

    + secret: its name, and the digest of its value, kept as a label
    """
    yield (
        "base64 -d | podman secret create --replace "
        f"--label onetime.config={secret.config} {secret.name} - >/dev/null"
    )


@operation()
def restart(changes: Changes) -> Generator[str]:
    """Restart, one after the other, the instances that do not run from their configuration.

    Systemd holds the command until the container is healthy, or has failed to become so. Then the
    release before comes back, if this run has replaced it.

    + changes: what differs
    """
    if not changes.restart:
        host.noop("all instances run from their configuration")
    fall_back = ""
    if changes.release is not None and changes.previous is not None:
        fall_back = f"{CURRENT}/fall-back.sh {changes.previous} >&2; "
    for port in changes.restart:
        yield (
            f"systemctl restart onetime@{port}.service || {{ "
            f"echo 'instance {port} did not become healthy; its last lines:' >&2; "
            # Podman logs an event per step in between; they say nothing to an operator.
            f"journalctl -u onetime@{port}.service -n 60 --no-pager -o cat | "
            f"grep -Ev ' UTC m=\\+|<nwarn>|Killing process' | tail -n 20 >&2; {fall_back}exit 1; }}"
        )
    for name in changes.stale_secrets:
        yield f"podman secret rm {name} >/dev/null"
