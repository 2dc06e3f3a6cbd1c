"""The bridge behind the published ports: where its subnet may be."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from facts.installed import InstalledState
from facts.network import HostNetwork
from facts.proc import Route
from names import PRIVATE_NETWORK, PUBLISH_INTERFACE, PUBLISH_NETWORK
from plan.inventory.settings import Settings
from plan.problems import Problem

# What `group_data/all.py` has for `publish_subnet`.
_DEFAULT_SUBNET = IPv4Network("10.89.43.0/24")
# A bridge takes its own first address; network and broadcast address go too.
_BRIDGE_OVERHEAD = 3


def check_bridge(
    host: str, settings: Settings, network: HostNetwork, installed: InstalledState
) -> Iterator[Problem]:
    """Yield what keeps `publish_subnet` from being the bridge's: too small, or somebody else's."""
    subnet = settings.publish_subnet
    room = subnet.num_addresses - _BRIDGE_OVERHEAD
    if room < len(settings.members):
        yield Problem(
            host,
            "publish_subnet",
            f"{subnet} has room for {max(room, 0)} of the {len(settings.members)} "
            f"{'containers' if settings.jobs else 'instances'}",
            "Choose a larger one",
        )
    users = {
        f"the route {route.destination} over {route.interface}"
        for route in network.routes
        if _uses(route, subnet) and not _stands(subnet, installed)
    } | {
        f"the Podman network {name}"
        for name, podman_network in installed.podman.networks.items()
        for used in podman_network.subnets
        if used.overlaps(subnet) and name not in {PRIVATE_NETWORK, PUBLISH_NETWORK}
    }
    if users:
        yield Problem(
            host,
            "publish_subnet",
            f"{subnet} overlaps with {', '.join(sorted(users))}",
            "Choose a subnet that the host does not use, such as "
            f"{_unused_subnet(network, installed)}; it is local to the host",
        )


def _uses(route: Route, subnet: IPv4Network) -> bool:
    """Tell whether a route leads to a part of the subnet.

    Many networks have a route for all private addresses, of which they use few. Whoever chose a
    part of that knows; nobody chose the default.
    """
    wide = route.gateway is not None and subnet.subnet_of(route.destination)
    chosen = subnet not in {_DEFAULT_SUBNET, route.destination}
    return (
        route.destination.overlaps(subnet)
        and not route.is_default
        and route.interface != PUBLISH_INTERFACE
        and not (wide and chosen)
    )


def _stands(subnet: IPv4Network, installed: InstalledState) -> bool:
    """Tell whether the bridge has the subnet already: what is routed there went past it so far."""
    bridge = installed.podman.networks.get(PUBLISH_NETWORK)
    return bridge is not None and subnet in bridge.subnets


def _unused_subnet(network: HostNetwork, installed: InstalledState) -> IPv4Network:
    """Return a subnet for the bridge that no route and no Podman network of the host meets.

    The last block is for carriers' own use, so that no private network has it.
    """
    taken = [route.destination for route in network.routes if not route.is_default]
    taken += [
        used
        for podman_network in installed.podman.networks.values()
        for used in podman_network.subnets
    ]
    blocks = ("10.89.0.0/16", "172.30.0.0/16", "192.168.0.0/16", "100.64.0.0/10")
    candidates = (part for block in blocks for part in IPv4Network(block).subnets(new_prefix=24))
    return next(
        part
        for part in candidates
        if part != _DEFAULT_SUBNET and not any(part.overlaps(used) for used in taken)
    )
