"""The ways over a card: the router of its subnet, and what is reached by routers there."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork

Way = tuple[IPv4Network, IPv4Address]


def gateway(interface: str, subnet: IPv4Network, network: HostNetwork) -> IPv4Address:
    """Return the router that the card's routes name (a default route first), else the first."""
    named = sorted(
        (route.destination.prefixlen, route.metric, route.gateway)
        for route in network.routes
        if route.interface == interface and route.gateway is not None and route.gateway in subnet
    )
    return named[0][2] if named else subnet.network_address + 1


def routes(interface: str, subnet: IPv4Network, network: HostNetwork) -> tuple[Way, ...]:
    """Return what else is reached over the card by a router in the subnet, the best route each."""
    best: dict[IPv4Network, IPv4Address] = {}
    for route in sorted(network.routes, key=lambda route: route.metric):
        if (
            route.interface == interface
            and route.gateway is not None
            and route.gateway in subnet
            and not route.is_default
            and route.destination != subnet
        ):
            best.setdefault(route.destination, route.gateway)
    return tuple(sorted(best.items()))


def needed(
    ways: Iterable[Way], subnet: IPv4Network, services: Iterable[IPv4Address]
) -> tuple[Way, ...]:
    """Return the narrowest way to each service that is not simply a neighbour in the subnet.

    Containers get these and no others: a route that appears for somebody else changes nothing.
    """
    leading = set()
    for service in services:
        holding = [way for way in ways if service in way[0]]
        narrowest = max(holding, key=lambda way: way[0].prefixlen, default=None)
        neighbour = service in subnet
        if narrowest and not (neighbour and narrowest[0].prefixlen <= subnet.prefixlen):
            leading.add(narrowest)
    return tuple(sorted(leading))


def lasting_gateway(
    subnet: IPv4Network, container_range: IPv4Network, detected: IPv4Address
) -> IPv4Address:
    """Return a gateway for a network that never uses one: the same whatever routes come and go."""
    router = subnet[1]
    return detected if router in container_range else router
