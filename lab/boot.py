"""Booting and ending hosts of either kind, each on cards of the lab's own.

The process group of a host holds all its processes, so a host is up exactly
while its group is alive.
"""

from lab import cgroup, disk, login, network, nspawn, qemu
from lab.paths import LOGS
from lab.shapes import Kind, Spec
from lab.shell import LabError, run, succeeds, wait_until

COMMANDS = {"nspawn": nspawn.command, "vm": qemu.command}

# How many seconds may pass until a host answers or is down, on a machine that has much to do.
PATIENCE: dict[Kind, float] = {"nspawn": 120, "vm": 400}


def start(spec: Spec) -> None:
    """Boot a host that is not up: from nothing, with new cards."""
    cgroup.kill(spec.name)
    login.disconnect(spec.name)
    network.renew_host(spec)
    cgroup.start(spec.name, *COMMANDS[spec.shape.kind](spec))


def wait_ready(spec: Spec) -> None:
    """Return when the host has booted: ssh answers and systemd has nothing left to start."""

    def ended() -> bool:
        return not cgroup.running(spec.name)

    def answers() -> bool:
        return succeeds(*login.command(spec.name, "true"))

    patience = PATIENCE[spec.shape.kind]
    wait_until(lambda: ended() or answers(), what=f"{spec.name} to answer ssh", seconds=patience)
    if ended():
        raise LabError(f"{spec.name} ended while it booted, see {LOGS / spec.name}.log")
    run(*login.command(spec.name, "systemctl is-system-running --wait || true"))


def stop(spec: Spec) -> None:
    """Let systemd take the host down cleanly, as `reboot` inside does."""
    run(*login.command(spec.name, "systemctl reboot"))
    patience = PATIENCE[spec.shape.kind]
    wait_until(
        lambda: not cgroup.running(spec.name), what=f"{spec.name} to go down", seconds=patience
    )


def cut(spec: Spec) -> None:
    """End the host as a power cut would."""
    cgroup.kill(spec.name)
    login.disconnect(spec.name)


def remove(spec: Spec) -> None:
    """End the host and remove everything of it."""
    cut(spec)
    network.remove_host(spec)
    disk.remove(spec.name)
    nspawn.remove_traces(spec)
