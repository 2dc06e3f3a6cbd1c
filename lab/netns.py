"""Network namespaces and the cables between them: small steps that can be repeated.

Each function brings about what its name says, whatever was there before, so a
run that was cut off is completed by the next.
"""

from collections.abc import Sequence

from lab.paths import NAME, NETNS
from lab.shell import run, succeeds

# A new namespace takes some settings from the machine; these are the kernel's own.
KERNEL_DEFAULTS = {"ip_forward": 0, "conf/all/rp_filter": 0, "conf/default/rp_filter": 0}


def full_name(namespace: str) -> str:
    """Say what a namespace of the lab is called on the machine."""
    return f"{NAME}-{namespace}"


def exists(namespace: str) -> bool:
    """Whether the namespace is there."""
    # A file alone is not enough: `ip netns add` makes it before the namespace.
    return succeeds("ip", "-n", full_name(namespace), "link", "show", "dev", "lo")


def names() -> list[str]:
    """List the lab's namespaces."""
    prefix = full_name("")
    return sorted(path.name.removeprefix(prefix) for path in NETNS.glob(f"{prefix}*"))


def inode(namespace: str) -> int:
    """Tell a namespace from others that have had its name."""
    return (NETNS / full_name(namespace)).stat().st_ino


def ensure(namespace: str) -> None:
    """Make the namespace unless it is there, with the kernel's default settings."""
    if exists(namespace):
        return
    (NETNS / full_name(namespace)).unlink(missing_ok=True)
    run("ip", "netns", "add", full_name(namespace))
    ip(namespace, "link", "set", "lo", "up")
    for setting, value in KERNEL_DEFAULTS.items():
        write_setting(namespace, f"ipv4/{setting}", value)


def remove(namespace: str) -> None:
    """Remove the namespace's name; it ends with its last process."""
    if (NETNS / full_name(namespace)).exists():
        run("ip", "netns", "delete", full_name(namespace))


def ip(namespace: str, *arguments: str) -> str:
    """Run `ip` on the namespace."""
    return run("ip", "-n", full_name(namespace), *arguments)


def inside(namespace: str, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs `argv` in the namespace."""
    return ["ip", "netns", "exec", full_name(namespace), *argv]


def write_setting(namespace: str, setting: str, value: int) -> None:
    """Write a file below /proc/sys/net, as the namespace sees it, if the kernel has it."""
    script = 'if [ -e "$0" ]; then echo "$1" >"$0"; fi'
    command = ["sh", "-c", script, f"/proc/sys/net/{setting}", str(value)]
    run(*inside(namespace, command))


def ensure_bridge(namespace: str, bridge: str) -> None:
    """Bring about a bridge that is up and has no address."""
    if not succeeds("ip", "-n", full_name(namespace), "link", "show", "dev", bridge):
        ip(namespace, "link", "add", bridge, "type", "bridge")
    ip(namespace, "link", "set", bridge, "up")


def ensure_cable(
    near: str | None, near_end: str, far: str, far_end: str, *, mac: str | None = None
) -> None:
    """Bring about a veth pair between two namespaces, `near` None being the machine's own.

    The near end is left down and unconfigured, with the MAC if one is given.
    """
    here = ["ip", "-n", full_name(near)] if near else ["ip"]
    if succeeds(*here, "link", "show", "dev", near_end):
        return
    address = ["address", mac] if mac else []
    peer = ["peer", "name", far_end, "netns", full_name(far)]
    run(*here, "link", "add", "name", near_end, *address, "type", "veth", *peer)


def ensure_tap(namespace: str, port: str) -> None:
    """Bring about a tap device, the end of a cable whose other end a program holds."""
    if not succeeds("ip", "-n", full_name(namespace), "link", "show", "dev", port):
        ip(namespace, "tuntap", "add", "dev", port, "mode", "tap")


def plug_in(switch: str, port: str, bridge: str) -> None:
    """Make an end of a cable a port of a bridge."""
    ip(switch, "link", "set", port, "master", bridge, "up")


def unplug(switch: str, port: str) -> None:
    """Remove the cable at a port, both ends at once."""
    succeeds("ip", "-n", full_name(switch), "link", "delete", port)
