"""What a single host must be like before anything on it is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from facts.installed import InstalledState
from facts.network import HostNetwork
from plan.model import PUBLISH_INTERFACE, SIDECAR
from plan.modes import MODES
from plan.problems import Problem
from plan.settings import Settings

# The first version with AddHost=, %i in PublishPort= and Notify=healthy all together.
PODMAN_FLOOR = (5, 3, 0)
# A bridge takes its own first address; network and broadcast address go too.
_BRIDGE_OVERHEAD = 3
# A release is a few dozen kilobytes. What a pull takes is not known before: less has no chance.
_RELEASE_BYTES = 4 << 20
_PULL_BYTES = 256 << 20


def check_host(
    host: str, settings: Settings, network: HostNetwork, installed: InstalledState
) -> Iterator[Problem]:
    """Yield what is wrong with the host's software, ports and bridge."""
    if not installed.root:
        yield Problem(
            host,
            "ssh_user",
            "the deploy does not run as root there",
            "Log in as root, or set _sudo = True in the inventory",
        )
        return
    floor = ".".join(map(str, PODMAN_FLOOR[:2]))
    if installed.podman is None or installed.podman < PODMAN_FLOOR:
        seen = ".".join(map(str, installed.podman)) if installed.podman else "no Podman"
        yield Problem(
            host,
            "podman",
            f"{seen} is there, and {floor} is needed",
            "Debian 13, Fedora 41 and RHEL 10 bring it; Debian 12 does not",
        )
    if installed.foreign:
        yield Problem(
            host,
            "unit files",
            f"this deploy did not make {', '.join(installed.foreign)}",
            "Stop these units and remove the files: they carry the deploy's names",
        )
    strangers = [
        f"the container {name}"
        for port in settings.instances
        for name in (f"onetime-{port}", f"{SIDECAR}-{port}")
        if name in installed.containers and installed.containers[name].config is None
    ] + [
        f"the Podman network {name}"
        for name in ("onetime", "onetime-publish")
        if name in installed.networks and installed.networks[name].config is None
    ]
    if strangers:
        yield Problem(
            host,
            "podman",
            f"this deploy did not make {', '.join(strangers)}",
            "Remove them (podman rm, podman network rm): they carry the deploy's names",
        )
    yield from _ports(host, settings, network, installed)
    if settings.network_mode != "host":
        yield from _bridge(host, settings, network, installed)
    yield from _database(host, settings, network)


def check_image(host: str, settings: Settings, installed: InstalledState) -> Iterator[Problem]:
    """Yield what is known to be wrong with the images without asking a registry."""
    for key, image, archive in _missing_images(settings, installed):
        if image.startswith("localhost/") and archive is None:
            yield Problem(
                host,
                key,
                f"the host does not have {image}, which cannot be pulled",
                "Set image_archive to a local archive that holds it",
            )


def _missing_images(
    settings: Settings, installed: InstalledState
) -> Iterator[tuple[str, str, str | None]]:
    """Yield word, reference and archive of each image that the host does not have."""
    if installed.image_id is None:
        yield "image", settings.image, settings.image_archive
    if (tunnel := settings.tunnel) and installed.sidecar_image_id is None:
        yield "wireguard", tunnel.image, tunnel.image_archive


def check_space(
    host: str, settings: Settings, installed: InstalledState, *, archives: Mapping[str, int]
) -> Iterator[Problem]:
    """Yield directories that have no room for what is to come; one that `df` cannot tell has.

    + archives: sizes of the images' archives, in bytes, by path
    """
    needed = {"/etc": _RELEASE_BYTES, "/var/lib/containers": 0, "/var/tmp": 0}  # noqa: S108
    for _, _, archive in _missing_images(settings, installed):
        if archive is None:
            needed["/var/lib/containers"] += _PULL_BYTES
        else:
            # The archive itself and, unpacked, what is in it; Podman's own copy on the way there.
            needed["/var/lib/containers"] += 3 * archives.get(archive, 0)
            needed["/var/tmp"] += archives.get(archive, 0)  # noqa: S108
    for directory, size in needed.items():
        free = installed.space.get(directory)
        if free is not None and free < size:
            yield Problem(
                host,
                "disk",
                f"{directory} has {free >> 20} MiB free, and {-(-size >> 20)} MiB are needed",
                "Make room there",
            )


def check_driver(host: str, settings: Settings, installed: InstalledState) -> Iterator[Problem]:
    """Yield the kernel's lack of what the network mode stands on, with the modes that would do."""
    missing = {
        mode
        for mode, needed in MODES.items()
        if needed.drivers and not installed.drivers & set(needed.drivers)
    }
    if settings.network_mode in missing:
        others = ", ".join(mode for mode in MODES if mode not in missing)
        yield Problem(
            host,
            "network_mode",
            f"the kernel cannot make {' or '.join(MODES[settings.network_mode].drivers)} links",
            f"Install the kernel's module, or use one of the modes that would work here: {others}",
        )


def _ports(
    host: str, settings: Settings, network: HostNetwork, installed: InstalledState
) -> Iterator[Problem]:
    address = settings.publish_address
    if address is not None and address not in network.addresses and not address.is_loopback:
        own = ", ".join(map(str, network.addresses))
        yield Problem(
            host,
            "publish_address",
            f"the host has no {address}, only {own}",
            "Name one of the host's own addresses, or leave it out to publish on all",
        )
    for port in settings.instances:
        holders = (installed.containers.get(f"{name}-{port}") for name in ("onetime", SIDECAR))
        if any(container and container.running for container in holders):
            continue
        taken = [
            listener
            for listener in network.listeners
            if listener.port == port
            and (address is None or listener.address in {address, IPv4Address(0), IPv6Address(0)})
        ]
        if taken:
            yield Problem(
                host,
                "instances",
                f"something else listens on port {port} already ({taken[0].address})",
                f"Stop it (ss -ltnp 'sport = :{port}' names it) or choose another port",
            )


def _bridge(
    host: str, settings: Settings, network: HostNetwork, installed: InstalledState
) -> Iterator[Problem]:
    subnet = settings.publish_subnet
    room = subnet.num_addresses - _BRIDGE_OVERHEAD
    if room < len(settings.instances):
        yield Problem(
            host,
            "publish_subnet",
            f"{subnet} has room for {max(room, 0)} of the {len(settings.instances)} instances",
            "Choose a larger one",
        )
    users = {
        f"the route {route.destination} over {route.interface}"
        for route in network.routes
        if route.destination.prefixlen
        and route.destination.overlaps(subnet)
        and route.interface != PUBLISH_INTERFACE
    } | {
        f"the Podman network {other.name}"
        for other in installed.networks.values()
        for used in other.subnets
        if used.overlaps(subnet) and other.name not in {"onetime", "onetime-publish"}
    }
    if users:
        yield Problem(
            host,
            "publish_subnet",
            f"{subnet} overlaps with {', '.join(sorted(users))}",
            "Choose a subnet that the host does not use; it is local to the host",
        )


def _database(host: str, settings: Settings, network: HostNetwork) -> Iterator[Problem]:
    # Behind a tunnel it has an address that is given.
    given = settings.db_address is not None or settings.network_mode == "wireguard"
    if not given and network.resolved is None:
        yield Problem(
            host,
            "db_host",
            f"the host cannot resolve {settings.db_host} to an IPv4 address",
            "Set db_address, or teach the host the name",
        )
