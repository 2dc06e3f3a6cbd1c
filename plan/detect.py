"""Find the host's private network in what `/proc` says.

The first interface, in the kernel's order, that is neither loopback nor made by container or VPN
software and that has an address in 10/8, 172.16/12 or 192.168/16. Exactly these three:
`ipaddress.is_private` means much more. Nothing is guessed: what cannot be told is a problem that
says what was seen and what fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from plan.problems import PlanError, Problem
from plan.settings import Settings

PRIVATE_BLOCKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))

# Made by Podman, Docker, libvirt, Kubernetes, VPN software, or by this deploy.
_SOFTWARE = re.compile(
    r"lo|(podman|cni|docker|br-|veth|virbr|vnet|lxc|lxdbr|incusbr|macvlan|macvtap|ipvlan|onetime|wg|"
    r"tun|tap|tailscale|zt|nebula|ppp|dummy|ifb|cali|flannel|cilium|kube|nodelocaldns|vxlan|geneve|"
    r"gre|sit|ip6tnl|nerdctl).*"
)
_HOST_PREFIX = 32

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


@dataclass(frozen=True)
class _Card:
    """An interface with its private address and subnet; a /32 address is not `on_link` in it."""

    interface: str
    address: IPv4Address
    subnet: IPv4Network
    on_link: bool


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
        raise stop("network_interface", f"{wanted} is down", "Bring it up: ip link set … up")

    cards = _cards(network, wanted)
    if settings.network_subnet is not None:
        cards = [
            _Card(card.interface, card.address, settings.network_subnet, on_link=True)
            for card in cards
            if card.address in settings.network_subnet
        ]
        if not cards:
            raise stop(
                "network_subnet",
                f"{settings.network_subnet} holds no address of {wanted or 'any private card'}; "
                f"the host has {_list(network.addresses)}",
                "Correct it, or leave it out to have the subnet detected",
            )
    if not cards:
        candidates = [name for name in network.interfaces if not _SOFTWARE.fullmatch(name)]
        down = [f"{name} (down)" for name in candidates if name not in network.up]
        names = [name for name in candidates if name in network.up] + down
        raise stop(
            "network_interface",
            f"no card has a private address; the host has {_list(network.addresses)} on "
            f"{_list(names)}",
            "Bring the private card up, name it with network_interface, "
            "or use network_mode direct or wireguard",
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


def _cards(network: HostNetwork, wanted: str | None) -> list[_Card]:
    """Return the private addresses of the eligible interfaces, in the kernel's order.

    `/proc` lists addresses without interfaces; the connected route that holds an address tells
    which one it is on. An address in no connected subnet is a /32, on the interface whose routes
    lead to its neighbours.
    """
    names = [wanted] if wanted else [n for n in network.interfaces if not _SOFTWARE.fullmatch(n)]
    cards = []
    for address in network.addresses:
        if not any(address in block for block in PRIVATE_BLOCKS):
            continue
        holding = [
            route
            for route in network.routes
            if address in route.destination and 0 < route.destination.prefixlen < _HOST_PREFIX
        ]
        connected = [route for route in holding if route.gateway is None]
        longest = max((r.destination.prefixlen for r in connected or holding), default=0)
        cards += [
            _Card(route.interface, address, route.destination, on_link=bool(connected))
            for route in connected or holding
            if route.destination.prefixlen == longest and route.interface in names
        ]
    return sorted(dict.fromkeys(cards), key=lambda card: names.index(card.interface))


def _leading_to(
    database: IPv4Address | None, cards: list[_Card], network: HostNetwork
) -> _Card | None:
    """Return the card whose subnet holds the database, else one with a route of its own to it."""
    if database is None:
        return None
    for card in cards:
        if database in card.subnet:
            return card
    leading = {
        route.interface
        for route in network.routes
        if route.destination.prefixlen and database in route.destination
    }
    return next((card for card in cards if card.interface in leading), None)


def _refuse_contradiction(
    interface: str, subnet: IPv4Network, network: HostNetwork, *, stop: _Stop
) -> None:
    for route in network.routes:
        if (
            route.interface != interface
            and route.destination.prefixlen
            and route.destination.subnet_of(subnet)
            and not _SOFTWARE.fullmatch(route.interface)
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
            and not route.destination.overlaps(subnet)
        ):
            best.setdefault(route.destination, route.gateway)
    return tuple(sorted(best.items()))


def _list(items: Iterable[object]) -> str:
    return ", ".join(str(item) for item in items) or "none"
