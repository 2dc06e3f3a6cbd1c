"""Find the host's private network in what `/proc` says.

The first interface, in the kernel's order, that is neither loopback nor made by container or VPN
software and that has an address in 10/8, 172.16/12 or 192.168/16. Exactly these three:
`ipaddress.is_private` means much more. Nothing is guessed: what cannot be told is a problem that
says what was seen and what fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from plan.inventory.modes import fitting
from plan.inventory.settings import Settings
from plan.network import ways
from plan.network.cards import Card, connected_routes, find_cards, is_card, is_private
from plan.problems import Problems

_LEAST_ROOM = 30


@dataclass(frozen=True)
class PrivateNetwork:
    """The host's place on the private network.

    `routes` are the other destinations that the host reaches over this card, with their gateways;
    `alternatives` are cards that would have served as well, if nothing but their order decided.
    """

    interface: str
    address: IPv4Address
    subnet: IPv4Network
    gateway: IPv4Address
    routes: tuple[tuple[IPv4Network, IPv4Address], ...]
    alternatives: tuple[str, ...] = ()


def detect(
    host: str,
    settings: Settings,
    network: HostNetwork,
    *,
    keys: Mapping[str, str] | None = None,
) -> PrivateNetwork:
    """Return the private network of a host; raise `PlanError` where it cannot be told.

    + keys: where each override came from, for messages (an environment variable's name)
    """
    problems = Problems(host, keys)
    _refuse_named_card(settings.network_interface, network, problems)
    cards = _candidates(settings, network, problems)
    card, alternatives = _choose(cards, settings, network)
    if settings.mode.link:
        _refuse_without_neighbours(card, network, problems)
    gateway = settings.network_gateway or ways.gateway(card.interface, card.subnet, network)
    _refuse_contradiction(card, gateway, settings, network, problems)
    # A card whose only neighbour is its router has none in its subnet, and needs none.
    if gateway not in card.subnet and (settings.mode.link or settings.network_gateway):
        raise problems.error(
            "network_gateway",
            f"{gateway} is not in {card.subnet}",
            "Name the private network's router, or leave it out to have it detected",
        )
    return PrivateNetwork(
        interface=card.interface,
        address=card.address,
        subnet=card.subnet,
        gateway=gateway,
        routes=ways.routes(card.interface, card.subnet, network),
        alternatives=alternatives,
    )


def _refuse_named_card(name: str | None, network: HostNetwork, problems: Problems) -> None:
    if name is not None and name not in network.interfaces:
        listed = ", ".join(network.interfaces)
        raise problems.error(
            "network_interface", f"there is no {name}, only {listed}", "Name one of these"
        )
    if name is not None and name not in network.up:
        raise problems.error(
            "network_interface", f"{name} is down", f"Bring it up: ip link set {name} up"
        )


def _candidates(settings: Settings, network: HostNetwork, problems: Problems) -> list[Card]:
    """Return the cards that the settings leave, at least one; raise `PlanError` without any."""
    subnet = settings.network_subnet
    cards = find_cards(
        network,
        settings.network_interface,
        subnet=subnet,
        last=settings.shim_address,
        lonely=settings.mode.link is None,
    )
    if subnet is not None:
        cards = [
            Card(card.interface, card.address, subnet, on_link=True)
            for card in cards
            if card.address in subnet
        ]
        if not cards:
            raise problems.error(
                "network_subnet",
                f"{subnet} holds no private address of {settings.network_interface or 'any card'}; "
                f"the host has {_list(network.addresses)}",
                "Correct it, or leave it out to have the subnet detected",
            )
    if not cards:
        elsewhere = fitting(lambda mode: mode.bridge and not mode.needs_card)
        raise problems.error(
            "network_interface",
            _cardless(network),
            "Bring the private card up, name it with network_interface (a /32 address needs "
            f"network_subnet too), or use network_mode {elsewhere}",
        )
    return cards


def _cardless(network: HostNetwork) -> str:
    """Return what was seen on a host without a private card."""
    names = list(filter(is_card, network.interfaces))
    states = _list(name if name in network.up else f"{name} (down)" for name in names)
    homeless = [
        address
        for address in network.addresses
        if is_private(address) and not connected_routes(address, network)
    ]
    if homeless:
        return f"{_list(homeless)} is in the subnet of no card; the host has {states}"
    return (
        "no card has an address in 10/8, 172.16/12 or 192.168/16; the host has "
        f"{_list(network.addresses)} on {states}"
    )


def _choose(
    cards: list[Card], settings: Settings, network: HostNetwork
) -> tuple[Card, tuple[str, ...]]:
    """Return the card in whose subnet the range is, or that leads to the database, else the first.

    And the cards that would have fitted as well, if only their order decided.
    """
    container_range = settings.own_range
    meant = [card for card in cards if container_range and container_range.subnet_of(card.subnet)]
    leading = _leading_to(_database(settings, network), meant or cards, network)
    if meant or leading:
        return leading or meant[0], ()
    interfaces = dict.fromkeys(card.interface for card in cards[1:])
    return cards[0], tuple(name for name in interfaces if name != cards[0].interface)


def _database(settings: Settings, network: HostNetwork) -> IPv4Address | None:
    given = settings.db_address
    return given if isinstance(given, IPv4Address) else network.resolved


def _refuse_without_neighbours(card: Card, network: HostNetwork, problems: Problems) -> None:
    """Raise `PlanError` where containers cannot be neighbours of the host."""
    modes = fitting(lambda mode: mode.bridge and not mode.link and not mode.tunnel)
    if card.interface in network.alone:
        raise problems.error(
            "network_interface",
            f"{card.interface} is a tunnel: it has no place for containers beside the host",
            f"Name a card of the private network, or use network_mode {modes}",
        )
    if not card.on_link:
        raise problems.error(
            "network_subnet",
            f"{card.interface} has the address {card.address}/32, with no subnet to work in",
            f"Clouds that do this drop unknown MAC addresses: use network_mode {modes}; "
            "where macvlan is allowed, set network_subnet",
        )
    if card.subnet.prefixlen > _LEAST_ROOM:
        raise problems.error(
            "network_subnet",
            f"{card.subnet} on {card.interface} has no room for containers",
            f"Use network_mode {modes}",
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
        if database in route.destination and not route.is_default and route.interface in names
    )
    leading = {routes[0][2]} if routes else names
    for card in cards:
        if card.interface in leading and database in card.subnet:
            return card
    return next((card for card in cards if routes and card.interface in leading), None)


def _refuse_contradiction(
    card: Card,
    gateway: IPv4Address,
    settings: Settings,
    network: HostNetwork,
    problems: Problems,
) -> None:
    """Raise `PlanError` where the host itself reaches over another card what this one is to carry.

    A part of the subnet that holds nothing of the deploy's may be anywhere; a subnet that only the
    operator names is to be the host's own, whole.
    """
    own = [
        route
        for route in network.routes
        if route.interface == card.interface and route.destination == card.subnet
    ]
    used = [IPv4Network(it) for it in (gateway, _database(settings, network)) if it is not None]
    used += [settings.own_range] if settings.own_range else []
    for route in network.routes:
        if (
            route.interface == card.interface
            or route.is_default
            or not route.destination.subnet_of(card.subnet)
            or not is_card(route.interface)
        ):
            continue
        if own and route.destination == card.subnet:
            # The kernel takes the better one, and so does whoever names the card.
            better = bool(settings.network_interface) or own[0].metric < route.metric
        else:
            better = bool(own) and not any(route.destination.overlaps(part) for part in used)
        if not better:
            raise problems.error(
                "network_subnet",
                f"{card.interface} is to carry {card.subnet}, but the host routes "
                f"{route.destination} over {route.interface}",
                "Name the right card with network_interface, or mend the host's routes",
            )


def _list(items: Iterable[object]) -> str:
    return ", ".join(str(item) for item in items) or "none"
