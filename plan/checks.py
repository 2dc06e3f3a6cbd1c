"""What a single host must be like before anything on it is touched."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from facts.installed import InstalledState
from facts.network import HostNetwork
from facts.proc import Listener
from names import INSTANCE, JOB, PRIVATE_NETWORK, PUBLISH_NETWORK, SIDECAR, container, unit
from plan.inventory.modes import MODES, fitting
from plan.inventory.settings import Settings
from plan.network.bridges import check_bridge
from plan.problems import Problem
from plan.release.address_drop_ins import read_bridge_addresses

# The first version with AddHost=, %i in PublishPort= and Notify=healthy all together.
PODMAN_FLOOR = (5, 3, 0)
# The last minor version that this was tried with.
PODMAN_TRIED = (5, 8)
_MOVING = {"active", "activating", "deactivating", "reloading"}


def check_host(
    host: str, settings: Settings, network: HostNetwork, installed: InstalledState
) -> Iterator[Problem]:
    """Yield what is wrong with the host's software, ports and bridge."""
    if not installed.kernel.root:
        yield Problem(
            host,
            "ssh_user",
            "the deploy does not run as root there",
            "Log in as root, or set _sudo = True in the inventory",
        )
        return
    floor = ".".join(map(str, PODMAN_FLOOR[:2]))
    if installed.podman.version is None or installed.podman.version < PODMAN_FLOOR:
        version = ".".join(map(str, installed.podman.version or ()))
        yield Problem(
            host,
            "podman",
            f"{version or 'no Podman'} is there, and {floor} is needed",
            "Debian 13, Fedora 41 and RHEL 10 bring it; Debian 12 does not",
        )
    if installed.systemd.foreign:
        yield Problem(
            host,
            "unit files",
            f"this deploy did not make {', '.join(installed.systemd.foreign)}",
            "Stop these units and remove the files: they carry the deploy's names",
        )
    adopted = {container(INSTANCE, port) for port in installed.systemd.adopting}
    strangers = [
        f"the container {name}"
        for name in (
            *(container(kind, port) for port in settings.instances for kind in (INSTANCE, SIDECAR)),
            *(container(JOB, job) for job in settings.jobs),
        )
        if name in installed.podman.containers and installed.podman.containers[name].config is None
        if name not in adopted
    ] + [
        f"the Podman network {name}"
        for name in (PRIVATE_NETWORK, PUBLISH_NETWORK)
        if name in installed.podman.networks and installed.podman.networks[name].config is None
        if name not in installed.systemd.adopting_networks
    ]
    if strangers:
        yield Problem(
            host,
            "podman",
            f"this deploy did not make {', '.join(strangers)}",
            "Remove them (podman rm, podman network rm): they carry the deploy's names",
        )
    yield from _ports(host, settings, network, installed)
    if settings.mode.bridge:
        yield from check_bridge(host, settings, network, installed)
    if settings.lan_clients and not settings.mode.link:
        yield Problem(
            host,
            "lan_clients",
            f"in the mode {settings.network_mode} containers have no private addresses",
            f"Leave it out, or use network_mode {fitting(lambda mode: mode.link is not None)}",
        )
    yield from _database(host, settings, network)


def untried(installed: InstalledState) -> Iterator[str]:
    """Yield a warning where Podman is newer than any that this was tried with."""
    version = installed.podman.version or PODMAN_FLOOR
    if version[:2] > PODMAN_TRIED:
        floor, tried = (".".join(map(str, numbers[:2])) for numbers in (PODMAN_FLOOR, PODMAN_TRIED))
        yield (
            f"Podman {'.'.join(map(str, version))} is newer than what this was tried with, "
            f"{floor} to {tried}: look at --dry, and deploy to one host first"
        )


def check_driver(host: str, settings: Settings, installed: InstalledState) -> Iterator[Problem]:
    """Yield the kernel's lack of what the network mode stands on, with the modes that would do."""
    missing = {
        mode.name
        for mode in MODES.values()
        if mode.kernel_links and not installed.kernel.links & set(mode.kernel_links)
    }
    if settings.network_mode in missing:
        alternatives = ", ".join(mode for mode in MODES if mode not in missing)
        yield Problem(
            host,
            "network_mode",
            f"the kernel cannot make {' or '.join(settings.mode.kernel_links)} links",
            "Install the kernel's module, or use one of the modes that would work here: "
            f"{alternatives}",
        )


def check_limits(host: str, settings: Settings, installed: InstalledState) -> Iterator[Problem]:
    """Yield the limits that the host's kernel cannot hold containers to.

    `pids` has a default, which is left out there instead.
    """
    for word, controller in (("memory", "memory"), ("cpus", "cpu")):
        if getattr(settings, word) is not None and controller not in installed.kernel.controllers:
            controllers = ", ".join(sorted(installed.kernel.controllers)) or "none"
            yield Problem(
                host,
                word,
                f"the kernel has no {controller} controller for containers there, only: "
                f"{controllers}",
                "Leave it out, or boot with cgroup v2 and that controller",
            )


def _ports(
    host: str, settings: Settings, network: HostNetwork, installed: InstalledState
) -> Iterator[Problem]:
    address = settings.published
    if address is not None and address not in network.addresses and not address.is_loopback:
        own = ", ".join(map(str, network.addresses))
        yield Problem(
            host,
            "publish_address",
            f"the host has no {address}, only {own}",
            "Name one of the host's own addresses, or leave it out to publish on all",
        )
    for port in settings.instances:
        yield from _translated(host, port, address, network, installed)
        is_translated = port in read_bridge_addresses(installed.release.drop_ins)
        if port in installed.systemd.adopting or (is_translated and settings.mode.bridge):
            continue
        # While an instance is on its way up or down, its container is not seen as running, and the
        # listener was read at another moment: it is most likely its own.
        if not is_translated and _is_held(port, installed):
            continue
        if taken := _listeners(port, address, network):
            yield Problem(
                host,
                "instances",
                f"something else listens on port {port} already ({taken[0].address})",
                f"Stop it (ss -ltnp 'sport = :{port}' names it) or choose another port",
            )


def shadowed(settings: Settings, network: HostNetwork, installed: InstalledState) -> Iterator[str]:
    """Yield a warning per port of a running instance on which somebody else listens in vain."""
    translated = read_bridge_addresses(installed.release.drop_ins)
    for port in settings.instances if settings.mode.bridge else ():
        if port in translated and _listeners(port, settings.published, network):
            yield (
                f"something else listens on port {port} and gets no client, since the port leads "
                f"to the instance: ss -ltnp 'sport = :{port}' names it"
            )


def taken_over(settings: Settings, installed: InstalledState) -> Iterator[str]:
    """Yield a warning per port of an instance that somebody else's unit has until then."""
    for port in settings.instances:
        if port in installed.systemd.adopting:
            yield (
                f"{installed.systemd.adopting[port]} stops before the instance on its port {port} "
                "starts, and comes back if that does not become healthy"
            )


def _is_held(port: int, installed: InstalledState) -> bool:
    """Tell whether the port is an instance's own, as far as can be told."""
    holders = (
        installed.podman.containers.get(container(kind, port)) for kind in (INSTANCE, SIDECAR)
    )
    state = installed.systemd.units.get(unit(INSTANCE, port), "inactive")
    return any(holder and holder.running for holder in holders) or state in _MOVING


def _listeners(port: int, address: IPv4Address | None, network: HostNetwork) -> list[Listener]:
    """Return who listens on the port, at an address that is to be published on."""
    return [
        listener
        for listener in network.listeners
        if listener.port == port
        and (address is None or listener.address in {address, IPv4Address(0), IPv6Address(0)})
    ]


def _translated(
    host: str,
    port: int,
    address: IPv4Address | None,
    network: HostNetwork,
    installed: InstalledState,
) -> Iterator[Problem]:
    """Yield a rule of somebody else's that takes what is meant for the port, if there is one."""
    asked = [address] if address else network.addresses
    for rule in sorted(installed.firewall.translated, key=str):
        if rule.low <= port <= rule.high and (
            rule.addresses is None or any(destination in rule.addresses for destination in asked)
        ):
            yield Problem(
                host,
                "instances",
                f"a rule of the host's firewall translates port {port} to somewhere else",
                f"Remove it (nft list ruleset, look for dport {rule.low}) or choose another port",
            )
            return


def _database(host: str, settings: Settings, network: HostNetwork) -> Iterator[Problem]:
    # Behind a tunnel it has an address that is given.
    has_address = settings.db_address is not None or settings.mode.database_given
    if not has_address and network.resolved is None:
        yield Problem(
            host,
            "db_host",
            f"the host cannot resolve {settings.db_host} to an IPv4 address",
            "Set db_address, or teach the host the name",
        )
