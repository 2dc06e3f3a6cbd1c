"""What a test or an inventory may ask of the lab: its hosts, and the commands' own actions.

Importing this needs no root and touches nothing. Actions that change the lab
take its lock, so two of them never race.
"""

import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import (
    base,
    boot,
    cgroup,
    disk,
    keys,
    lock,
    login,
    machine,
    netns,
    network,
    qemu,
    registry,
    shapes,
)
from lab import endpoint as wireguard_lab
from lab.app import image, sidecar
from lab.endpoint import Wireguard
from lab.paths import BASES, HOSTS, KEYS, KNOWN_HOSTS, PRIVATE_KEY, RUNTIME
from lab.shapes import Spec
from lab.shell import RefusalError
from lab.unpacked import CADDY, HAPROXY

DEFAULT = ("plain=2",)


@dataclass(frozen=True)
class Host:
    """A host that is up, and how to reach it by ssh."""

    name: str
    shape: str
    release: str  # the Debian suite
    public_address: str
    private_address: str | None  # on the side of maindb; None without a private card
    maindb: str | None  # the address that the host knows under this name
    ssh_port: int = login.PORT
    ssh_user: str = login.USER
    ssh_key: Path = PRIVATE_KEY
    known_hosts: Path = KNOWN_HOSTS


def hosts() -> list[Host]:
    """List the hosts that are up, in the order of their addresses."""
    return [_host(spec) for spec in known() if cgroup.running(spec.name)]


def known() -> list[Spec]:
    """List the hosts that have a disk, up or not."""
    if not HOSTS.exists():
        return []
    names = (path.name for path in HOSTS.iterdir() if not path.name.startswith("."))
    return sorted((shapes.spec(name) for name in names), key=lambda spec: spec.number)


def up(*targets: str) -> list[Host]:
    """Bring up hosts, given as SHAPE, SHAPE=COUNT or by name, and return all that are up.

    Without any, these are two plain ones and every other that exists. Hosts that
    are up stay untouched; those that ended are booted again.
    """
    machine.refuse_unless_root()
    wanted = {spec for target in targets or DEFAULT for spec in shapes.parse(target)}
    with lock.hold():
        if not targets:
            wanted |= set(known())
        machine.refuse_unfit()
        if any(spec.shape.kind == "vm" for spec in wanted):
            qemu.refuse_unfit()
        machine.install_missing_packages()
        _clear_interrupted_work()
        image.ensure(base.ensure("trixie"))
        sidecar.ensure(base.ensure("trixie"))
        network.ensure()
        down = [spec for spec in wanted if not cgroup.running(spec.name)]
        for spec in sorted(down, key=lambda spec: spec.number):
            disk.ensure(spec)
            print(f"booting {spec.name}", flush=True)
            boot.start(spec)
        keys.write_known_hosts()
        _all(boot.wait_ready, wanted)
        return hosts()


def down(*names: str) -> None:
    """Remove the named hosts with their disks; without names, the whole lab."""
    machine.refuse_unless_root()
    gone = [existing(name) for name in names]
    with lock.hold():
        _clear_interrupted_work()
        for spec in gone or known():
            print(f"removing {spec.name}", flush=True)
            boot.remove(spec)
        if names:
            keys.write_known_hosts()
        else:
            _remove_rest()


def reboot(name: str, *, hard: bool = False) -> None:
    """Reboot a host and return when it is up again; `hard` is a power cut."""
    machine.refuse_unless_root()
    spec = existing(name)
    with lock.hold():
        if cgroup.running(name):
            (boot.cut if hard else boot.stop)(spec)
        boot.start(spec)
        boot.wait_ready(spec)


def run_in(namespace: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in one of the lab's namespaces and return its output and exit code."""
    return _finished(command_in(namespace, argv), Path("/dev/null"))


def ssh(
    name: str, command: str, *, stdin: Path = Path("/dev/null")
) -> subprocess.CompletedProcess[str]:
    """Run a shell command on a host by ssh, fed from a file; return its output and exit code."""
    return _finished(login.command(existing(name).name, command), stdin)


def image_archive(tag: str = "1") -> Path:
    """Say where the archive of an app image is, which holds localhost/onetime-lab:TAG."""
    return image.archive(tag)


def wireguard() -> Wireguard:
    """Say what a client of the lab's WireGuard endpoint must know."""
    return wireguard_lab.facts()


def wireguard_archive() -> Path:
    """Say where the archive of the sidecar image is, which holds localhost/onetime-lab-wg:1."""
    return sidecar.archive()


def haproxy_command(*arguments: str) -> list[str]:
    """Return the command line that runs HAProxy, Debian's, which is unpacked the first time."""
    machine.refuse_unless_root()
    with lock.hold():
        return HAPROXY.command("usr/sbin/haproxy", *arguments)


def caddy_command(*arguments: str) -> list[str]:
    """Return the command line that runs Caddy, Debian's, which is unpacked the first time."""
    machine.refuse_unless_root()
    with lock.hold():
        return [str(CADDY.ensure() / "usr/bin/caddy"), *arguments]


def registry_command(directory: Path) -> list[str]:
    """Make a registry without images in a directory, and return the command line that runs it."""
    machine.refuse_unless_root()
    with lock.hold():
        return registry.prepare(directory)


def command_in(namespace: str, argv: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs `argv`, or a shell, in one of the lab's namespaces.

    A virtual machine counts as one. RefusalError if the lab has no such namespace.
    """
    machine.refuse_unless_root()
    if namespace in netns.names():
        return netns.inside(namespace, argv or ["bash"])
    machines = [
        spec.name for spec in known() if spec.shape.kind == "vm" and cgroup.running(spec.name)
    ]
    if namespace in machines:
        return login.command(namespace, *([shlex.join(argv)] if argv else []))
    have = ", ".join([*netns.names(), *machines]) or "none: the lab is down"
    raise RefusalError(f"The lab has no namespace {namespace!r}; it has {have}.")


def existing(name: str) -> Spec:
    """Return the host of that name, if it has a disk; else RefusalError."""
    for spec in known():
        if spec.name == name:
            return spec
    have = ", ".join(spec.name for spec in known()) or "none"
    raise RefusalError(f"The lab has no host {name!r}; it has {have}.")


def _finished(argv: Sequence[str], stdin: Path) -> subprocess.CompletedProcess[str]:
    with stdin.open("rb") as file:
        return subprocess.run(argv, check=False, stdin=file, capture_output=True, text=True)


def _host(spec: Spec) -> Host:
    return Host(
        name=spec.name,
        shape=spec.shape.name,
        release=spec.shape.suite,
        public_address=spec.public,
        private_address=spec.private,
        maindb=spec.shape.maindb,
    )


def _all(action: Callable[[Spec], None], specs: Iterable[Spec]) -> None:
    """Do the same to several hosts at once; the first error is raised when all are done."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        for done in [pool.submit(action, spec) for spec in specs]:
            done.result()


def _clear_interrupted_work() -> None:
    """End what a killed command left at work, and remove what it left unfinished."""
    for group in cgroup.groups():
        if group.startswith("build-"):
            cgroup.kill(group)
    for unfinished in [*BASES.glob("*.tmp"), *HOSTS.glob(".*.tmp")]:
        disk.remove_tree(unfinished)


def _remove_rest() -> None:
    """Remove all that isn't a host: services, namespaces, keys, runtime files."""
    for group in cgroup.groups():
        cgroup.kill(group)
    cgroup.remove_top()
    network.remove()
    for directory in (HOSTS, KEYS, RUNTIME):
        disk.remove_tree(directory)
