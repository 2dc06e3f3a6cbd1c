"""The command line of a host that shares the machine's kernel: systemd in systemd-nspawn.

The mounts of its disk are made in a mount namespace of its own: when its last
process ends nothing of them is left on the machine.
"""

from pathlib import Path

from lab import disk, netns
from lab.paths import NETNS, ROOTS
from lab.shapes import Spec

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


def command(spec: Spec) -> list[str]:
    """Return what boots the host from its disk, in its namespace, which is there by then."""
    directory = disk.path(spec.name)
    root = ROOTS / spec.name
    root.mkdir(parents=True, exist_ok=True)
    base = (directory / "base").resolve()
    layers = f"lowerdir={base},upperdir={directory / 'upper'},workdir={directory / 'work'}"
    binds = [f"--bind={device}" for device in DEVICES if Path(device).exists()]
    return [
        *("unshare", "--mount", "--propagation=private"),
        *("sh", "-c", MOUNT_AND_BOOT, layers, str(root)),
        *("env", *SETTINGS),
        *("systemd-nspawn", *OPTIONS, *binds),
        f"--bind={directory / 'containers'}:/var/lib/containers",
        f"--machine={netns.full_name(spec.name)}",
        f"--hostname={spec.name}",
        f"--directory={root}",
        f"--network-namespace-path={NETNS / netns.full_name(spec.name)}",
    ]


def remove_traces(spec: Spec) -> None:
    """Remove what a host that has ended leaves beside its disk."""
    disk.remove_tree(ROOTS / spec.name)
    # nspawn leaves this behind where /run is no tmpfs.
    disk.remove_tree(Path("/run/systemd/nspawn/propagate") / netns.full_name(spec.name))
