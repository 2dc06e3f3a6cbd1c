"""The host's network cards: which interfaces are cards, and what private address each has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from facts.proc import Route

PRIVATE_BLOCKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))

# Made by Podman, Docker, libvirt, Kubernetes, VPN software, or by this deploy.
_SOFTWARE = re.compile(
    r"lo|(podman|cni|docker|br-|veth|virbr|vnet|lxc|lxdbr|incusbr|macvlan|macvtap|ipvlan|onetime|wg|"
    r"tun|tap|tailscale|zt|nebula|ppp|dummy|ifb|cali|flannel|cilium|kube|nodelocaldns|vxlan|geneve|"
    r"gre|sit|ip6tnl|nerdctl|vboxnet|vmnet|mpqemubr|weave|ipsec|vti|xfrm|nordlynx).*"
)
_HOST_PREFIX = 32


@dataclass(frozen=True)
class Card:
    """An interface with its private address and subnet; a /32 address is not `on_link` in it."""

    interface: str
    address: IPv4Address
    subnet: IPv4Network
    on_link: bool


def is_card(interface: str) -> bool:
    """Tell whether an interface is neither loopback nor made by container or VPN software."""
    return not _SOFTWARE.fullmatch(interface)


def is_private(address: IPv4Address) -> bool:
    """Tell whether an address is in one of the three private blocks."""
    return any(address in block for block in PRIVATE_BLOCKS)


def find_cards(
    network: HostNetwork, wanted: str | None, *, last: IPv4Address | None = None
) -> list[Card]:
    """Return the private addresses of the eligible interfaces, in the kernel's order.

    `/proc` lists addresses without interfaces; the connected route that holds an address tells
    which one it is on. An address in no connected subnet is a /32, on the interface whose routes
    lead to its neighbours.

    + wanted: the only eligible interface, where one is named
    + last: an address that stands behind the others of its interface: the shim's, if it has one
    """
    names = [wanted] if wanted else list(filter(is_card, network.interfaces))
    cards = []
    for address in filter(is_private, network.addresses):
        connected = connected_routes(address, network)
        holding = connected or [
            route
            for route in network.routes
            if address in route.destination and 0 < route.destination.prefixlen < _HOST_PREFIX
        ]
        longest = max((route.destination.prefixlen for route in holding), default=0)
        cards += [
            Card(route.interface, address, route.destination, on_link=bool(connected))
            for route in holding
            if route.destination.prefixlen == longest and route.interface in names
        ]
        if wanted and not holding:
            cards.append(Card(wanted, address, IPv4Network(address), on_link=False))
    # An address for a service, on no subnet, does not make a card with a subnet a /32 one.
    whole = {card.interface for card in cards if card.on_link}
    cards = [card for card in cards if card.on_link or card.interface not in whole]
    return sorted(
        dict.fromkeys(cards), key=lambda card: (names.index(card.interface), card.address == last)
    )


def connected_routes(address: IPv4Address, network: HostNetwork) -> list[Route]:
    """Return the routes to the subnets that hold the address on the link itself."""
    return [
        route
        for route in network.routes
        if route.gateway is None
        and address in route.destination
        and 0 < route.destination.prefixlen < _HOST_PREFIX
    ]
