"""Booting and ending hosts: systemd in systemd-nspawn, on namespaces of the lab's own.

The process group of a host holds all its processes, so a host is up exactly
while its group is alive. The mounts of its disk are made in a mount namespace
of its own: when its last process ends nothing of them is left on the machine.
"""

from pathlib import Path

from lab import cgroup, disk, login, netns, network
from lab.paths import LOGS, NETNS, ROOTS
from lab.shapes import Spec
from lab.shell import LabError, run, succeeds, wait_until

DEVICES = ("/dev/fuse", "/dev/net/tun")

SETTINGS = (
    # /proc/sys/net is the host's own and writable, /sys and the rest are not. With all of
    # it writable systemd-networkd would wait for udev, and a host's sysctl would reach
    # the machine.
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network",
    # cgroup v2 inside, also where the machine has v1 beside it.
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1",
)

OPTIONS = (
    *("--quiet", "--boot", "--console=read-only", "--settings=no"),
    # No systemd on the machine is asked for anything, so there may be none.
    *("--register=no", "--keep-unit", "--notify-ready=no"),
    *("--link-journal=no", "--resolv-conf=off", "--timezone=off"),
    # Podman needs nearly everything; modules are the machine's business.
    *("--capability=all", "--drop-capability=CAP_SYS_MODULE"),
    *("--system-call-filter=@keyring", "--system-call-filter=bpf"),
)

MOUNT_AND_BOOT = 'mount -t overlay lab -o "$0" "$1" && shift && exec "$@"'


def start(spec: Spec) -> None:
    """Boot a host that is not up: from nothing, in a new network namespace."""
    cgroup.kill(spec.name)
    login.disconnect(spec.name)
    network.renew_host(spec)
    directory = disk.path(spec.name)
    root = ROOTS / spec.name
    root.mkdir(parents=True, exist_ok=True)
    base = (directory / "base").resolve()
    layers = f"lowerdir={base},upperdir={directory / 'upper'},workdir={directory / 'work'}"
    binds = [f"--bind={device}" for device in DEVICES if Path(device).exists()]
    cgroup.start(
        spec.name,
        *("unshare", "--mount", "--propagation=private"),
        *("sh", "-c", MOUNT_AND_BOOT, layers, str(root)),
        *("env", *SETTINGS),
        *("systemd-nspawn", *OPTIONS, *binds),
        f"--bind={directory / 'containers'}:/var/lib/containers",
        f"--machine={netns.full_name(spec.name)}",
        f"--hostname={spec.name}",
        f"--directory={root}",
        f"--network-namespace-path={NETNS / netns.full_name(spec.name)}",
    )


def wait_ready(spec: Spec) -> None:
    """Return when the host has booted: ssh answers and systemd has nothing left to start."""

    def ended() -> bool:
        return not cgroup.running(spec.name)

    def answers() -> bool:
        return succeeds(*login.command(spec.name, "true"))

    wait_until(lambda: ended() or answers(), what=f"{spec.name} to answer ssh", seconds=120)
    if ended():
        raise LabError(f"{spec.name} ended while it booted, see {LOGS / spec.name}.log")
    run(*login.command(spec.name, "systemctl is-system-running --wait || true"))


def stop(spec: Spec) -> None:
    """Let systemd take the host down cleanly, as `reboot` inside does."""
    run(*login.command(spec.name, "systemctl reboot"))
    wait_until(lambda: not cgroup.running(spec.name), what=f"{spec.name} to go down", seconds=120)


def cut(spec: Spec) -> None:
    """End the host as a power cut would."""
    cgroup.kill(spec.name)
    login.disconnect(spec.name)


def remove(spec: Spec) -> None:
    """End the host and remove everything of it."""
    cut(spec)
    network.remove_host(spec)
    disk.remove(spec.name)
    disk.remove_tree(ROOTS / spec.name)
    # nspawn leaves this behind where /run is no tmpfs.
    disk.remove_tree(Path("/run/systemd/nspawn/propagate") / netns.full_name(spec.name))
