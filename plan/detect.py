"""Find the host's private network in what `/proc` says.

The first interface, in the kernel's order, that is neither loopback nor made by container or VPN
software and that has an address in 10/8, 172.16/12 or 192.168/16. Exactly these three:
`ipaddress.is_private` means much more. Nothing is guessed: what cannot be told is a problem that
says what was seen and what fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from plan.cards import Card, connected_routes, find_cards, is_card, is_private
from plan.problems import PlanError, Problem
from plan.settings import Settings

_LEAST_ROOM = 30

_Stop = Callable[[str, str, str], PlanError]


@dataclass(frozen=True)
class PrivateNetwork:
    """The host's place on the private network.

    `routes` are the other destinations that the host reaches over this card, with their gateways;
    `others` are cards that would have served as well, if nothing but their order decided.
    """

    interface: str
    address: IPv4Address
    subnet: IPv4Network
    gateway: IPv4Address
    routes: tuple[tuple[IPv4Network, IPv4Address], ...]
    others: tuple[str, ...] = ()


def detect(
    host: str,
    settings: Settings,
    network: HostNetwork,
    *,
    layer2: bool = True,
    keys: Mapping[str, str] | None = None,
) -> PrivateNetwork:
    """Return the private network of a host; raise `PlanError` where it cannot be told.

    + layer2: containers are to be neighbours there, for which a /32 address leaves no room
    + keys: where each override came from, for messages (an environment variable's name)
    """

    def stop(key: str, seen: str, advice: str) -> PlanError:
        return PlanError([Problem(host, (keys or {}).get(key, key), seen, advice)])

    wanted = settings.network_interface
    if wanted is not None and wanted not in network.interfaces:
        listed = ", ".join(network.interfaces)
        raise stop("network_interface", f"there is no {wanted}, only {listed}", "Name one of these")
    if wanted is not None and wanted not in network.up:
        raise stop(
            "network_interface", f"{wanted} is down", f"Bring it up: ip link set {wanted} up"
        )

    cards = find_cards(network, wanted, last=settings.shim_address)
    if settings.network_subnet is not None:
        cards = [
            Card(card.interface, card.address, settings.network_subnet, on_link=True)
            for card in cards
            if card.address in settings.network_subnet
        ]
        if not cards:
            raise stop(
                "network_subnet",
                f"{settings.network_subnet} holds no private address of {wanted or 'any card'}; "
                f"the host has {_list(network.addresses)}",
                "Correct it, or leave it out to have the subnet detected",
            )
    if not cards:
        names = list(filter(is_card, network.interfaces))
        states = [name if name in network.up else f"{name} (down)" for name in names]
        homeless = [
            a for a in network.addresses if is_private(a) and not connected_routes(a, network)
        ]
        raise stop(
            "network_interface",
            f"{_list(homeless)} is in the subnet of no card; the host has {_list(states)}"
            if homeless
            else "no card has an address in 10/8, 172.16/12 or 192.168/16; the host has "
            f"{_list(network.addresses)} on {_list(states)}",
            "Bring the private card up, name it with network_interface (a /32 address needs "
            "network_subnet too), or use network_mode direct or wireguard",
        )

    database = settings.db_address if isinstance(settings.db_address, IPv4Address) else None
    card = _leading_to(database or network.resolved, cards, network)
    others = () if card else tuple(dict.fromkeys(other.interface for other in cards[1:]))
    card = card or cards[0]
    if layer2 and not card.on_link:
        raise stop(
            "network_subnet",
            f"{card.interface} has the address {card.address}/32, with no subnet to work in",
            "Clouds that do this drop unknown MAC addresses: use network_mode routed or direct; "
            "where macvlan is allowed, set network_subnet",
        )
    subnet = card.subnet
    if layer2 and subnet.prefixlen > _LEAST_ROOM:
        seen = f"{subnet} on {card.interface} has no room for containers"
        raise stop("network_subnet", seen, "Use network_mode routed or direct")
    _refuse_contradiction(card.interface, subnet, network, stop=stop)

    gateway = settings.network_gateway or _gateway(card.interface, subnet, network)
    if gateway not in subnet:
        raise stop(
            "network_gateway",
            f"{gateway} is not in {subnet}",
            "Name the private network's router, or leave it out to have it detected",
        )
    return PrivateNetwork(
        interface=card.interface,
        address=card.address,
        subnet=subnet,
        gateway=gateway,
        routes=_routes(card.interface, subnet, network),
        others=tuple(name for name in others if name != card.interface),
    )


def _leading_to(
    database: IPv4Address | None, cards: list[Card], network: HostNetwork
) -> Card | None:
    """Return the card that the kernel reaches the database over, by a route of the card's own."""
    if database is None:
        return None
    names = {card.interface for card in cards}
    routes = sorted(
        (-route.destination.prefixlen, route.metric, route.interface)
        for route in network.routes
        if database in route.destination
        and route.destination.prefixlen
        and route.interface in names
    )
    leading = {routes[0][2]} if routes else names
    for card in cards:
        if card.interface in leading and database in card.subnet:
            return card
    return next((card for card in cards if routes and card.interface in leading), None)


def _refuse_contradiction(
    interface: str, subnet: IPv4Network, network: HostNetwork, *, stop: _Stop
) -> None:
    for route in network.routes:
        if (
            route.interface != interface
            and route.destination.prefixlen
            and route.destination.subnet_of(subnet)
            and is_card(route.interface)
        ):
            raise stop(
                "network_subnet",
                f"{interface} is to carry {subnet}, but the host routes {route.destination} over "
                f"{route.interface}",
                "Name the right card with network_interface, or mend the host's routes",
            )


def _gateway(interface: str, subnet: IPv4Network, network: HostNetwork) -> IPv4Address:
    """Return the router that the card's routes name (a default route first), else the first."""
    named = sorted(
        (route.destination.prefixlen, route.metric, route.gateway)
        for route in network.routes
        if route.interface == interface and route.gateway is not None and route.gateway in subnet
    )
    return named[0][2] if named else subnet.network_address + 1


def _routes(
    interface: str, subnet: IPv4Network, network: HostNetwork
) -> tuple[tuple[IPv4Network, IPv4Address], ...]:
    """Return what else is reached over the card by a router in the subnet, the best route each."""
    best: dict[IPv4Network, IPv4Address] = {}
    for route in sorted(network.routes, key=lambda route: route.metric):
        if (
            route.interface == interface
            and route.gateway is not None
            and route.gateway in subnet
            and route.destination.prefixlen
            and route.destination != subnet
        ):
            best.setdefault(route.destination, route.gateway)
    return tuple(sorted(best.items()))


def _list(items: Iterable[object]) -> str:
    return ", ".join(str(item) for item in items) or "none"
