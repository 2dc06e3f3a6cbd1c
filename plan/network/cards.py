"""The host's network cards: which interfaces are cards, and what private address each has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from facts.proc import Route

PRIVATE_BLOCKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))

# Made by Podman, Docker, libvirt, Kubernetes, VPN software, or by this deploy. Docker's own bridges
# end in the digits of their network's ID; others that begin like them are somebody's cards.
_SOFTWARE = re.compile(
    r"lo|br-[0-9a-f]{12}|(podman|cni|cbr[0-9]|docker|veth|virbr|vnet|lxc|lxdbr|incusbr|hassio|"
    r"macvlan|macvtap|ipvlan|onetime|wg|wt[0-9]|tun|tap|tailscale|zt|nebula|ham[0-9]|hnet|ppp|"
    r"dummy|ifb|cali|flannel|cilium|kube|antrea|ovn-k8s|ovs-system|br-int|br-tun|genev_sys|"
    r"vxlan_sys|nodelocaldns|vxlan|geneve|gre|sit|ip6tnl|nerdctl|vboxnet|vmnet|mpqemubr|weave|"
    r"ipsec|vti|xfrm|nordlynx|proton|mullvad|CloudflareWARP).*"
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
    """Tell whether an interface's name is not one that container or VPN software gives."""
    return not _SOFTWARE.fullmatch(interface)


def eligible(network: HostNetwork) -> list[str]:
    """Return the interfaces that may be cards, in the kernel's order."""
    return [name for name in network.interfaces if is_card(name) and name not in network.alone]


def is_private(address: IPv4Address) -> bool:
    """Tell whether an address is in one of the three private blocks."""
    return any(address in block for block in PRIVATE_BLOCKS)


def find_cards(
    network: HostNetwork,
    named: str | None,
    *,
    subnet: IPv4Network | None = None,
    last: IPv4Address | None = None,
    lonely: bool = False,
) -> list[Card]:
    """Return the private addresses of the eligible interfaces, in the kernel's order.

    `/proc` lists addresses without interfaces. An address is on the interface whose own routes lead
    to its neighbours most narrowly: one that is connected or, for a /32, by a router.

    + named: the only eligible interface, where the operator names one
    + subnet: where every address is believed to be private, where the operator names that
    + last: an address that stands behind the others of its interface: the shim's, if it has one
    + lonely: a card will do whose only neighbour is the router of the default route
    """
    names = [named] if named else eligible(network)
    elsewhere = named or (_lonely_interface(network) if lonely else None)
    cards = [
        card
        for address in network.addresses
        if is_private(address) or (subnet and address in subnet)
        for card in _places(address, network, names)
        or ([Card(elsewhere, address, IPv4Network(address), on_link=False)] if elsewhere else [])
        if card.interface in names
    ]
    # An address for a service, on no subnet, does not make a card with a subnet a /32 one.
    subnetted = {card.interface for card in cards if card.on_link}
    cards = [card for card in cards if card.on_link or card.interface not in subnetted]
    return sorted(
        dict.fromkeys(cards), key=lambda card: (names.index(card.interface), card.address == last)
    )


def _places(address: IPv4Address, network: HostNetwork, names: Iterable[str]) -> list[Card]:
    """Return the interface that has an address, or several where the kernel sees no difference.

    None where no route leads to its neighbours; one that is not among the names where that has it.
    """
    holding = [
        route
        for route in network.routes
        if address in route.destination
        and not route.is_default
        and route.destination.prefixlen < _HOST_PREFIX
    ]
    narrowest = min(map(_width, holding), default=None)
    holding = [route for route in holding if _width(route) == narrowest]
    eligible_routes = [route for route in holding if route.interface in names]
    preferred = min((route.metric for route in eligible_routes), default=None)
    return [
        Card(route.interface, address, route.destination, on_link=route.gateway is None)
        for route in eligible_routes or holding
        if not eligible_routes or route.metric == preferred
    ]


def _width(route: Route) -> tuple[int, bool]:
    return (-route.destination.prefixlen, route.gateway is not None)


def _lonely_interface(network: HostNetwork) -> str | None:
    """Return the interface of the default route, if it has no subnet but that route's router."""
    defaults = [route for route in network.routes if route.destination.prefixlen == 0]
    if not defaults:
        return None
    name = min(defaults, key=lambda route: route.metric).interface
    subnets = [
        route
        for route in network.routes
        if route.interface == name
        and route.gateway is None
        and not route.is_default
        and route.destination.prefixlen < _HOST_PREFIX
    ]
    return None if subnets else name


def connected_routes(address: IPv4Address, network: HostNetwork) -> list[Route]:
    """Return the routes to the subnets that hold the address on the link itself."""
    return [
        route
        for route in network.routes
        if route.gateway is None
        and address in route.destination
        and not route.is_default
        and route.destination.prefixlen < _HOST_PREFIX
    ]
