"""The ways of packets to and from one container: each hop, and the translation on the way there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from names import PRIVATE_NETWORK, PUBLISH_INTERFACE, SIDECAR, container
from plan.map.hosts import Endpoint, bridge_places, endpoints, key
from plan.model import HostPlan, InstancePlan, MemberPlan

_TRANSLATION = re.compile(r"tcp dport (\d+) counter dnat to (\S+)")


@dataclass(frozen=True)
class Hop:
    """A place on a way.

    + arrow: what happens on the way there, a line each
    """

    title: str
    detail: str
    arrow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """A way from its first hop to its last.

    + name: what tells it from the member's others
    """

    name: str
    title: str
    hops: tuple[Hop, ...]


@dataclass(frozen=True)
class Peer:
    """The other end of a tunnel: where it is, and what is behind it."""

    endpoint: str
    networks: tuple[IPv4Network, ...]


def translations(plan: HostPlan) -> dict[int, str]:
    """Return where each port leads, ADDRESS:PORT, as the plan's own rules say."""
    return {
        int(match[1]): match[2]
        for chain in plan.mode.chains
        for rule in chain.rules
        if (match := _TRANSLATION.search(rule))
    }


def peers(plan: HostPlan) -> tuple[Peer, ...]:
    """Return the other ends of the tunnels, as the plan's own files say; none without."""
    files = plan.mode.sidecar.files if plan.mode.sidecar else ()
    lines = [
        line.split()
        for file in files
        if file.path == "host/peers"
        for line in file.content.splitlines()
    ]
    return tuple(Peer(line[1], tuple(map(IPv4Network, line[3].split(",")))) for line in lines)


def peer_to(plan: HostPlan, address: IPv4Address) -> Peer | None:
    """Return the peer whose tunnel leads to an address, if any does."""
    return next((peer for peer in peers(plan) if any(address in it for it in peer.networks)), None)


def tunnel_address(plan: HostPlan, member: MemberPlan) -> IPv4Address | None:
    """Return the address of a member's tunnel; jobs have that of the first instance."""
    tunnel = plan.settings.tunnel
    if tunnel is None:
        return None
    port = member.port if isinstance(member, InstancePlan) else min(plan.settings.instances)
    return tunnel.instances[port].address.network_address


def leaving(plan: HostPlan, endpoint: Endpoint) -> tuple[str, str]:
    """Return as whom packets to an endpoint leave, and by which way."""
    settings, private, address = plan.settings, plan.private, endpoint.address
    near = address is not None and _is_near(plan, address)
    card = f"by {private.interface}" if private and near else "by the host's routes"
    if address is None and not endpoint.outside:
        return "no translation", "to the host itself"
    if not settings.mode.bridge:
        return "as the host, no translation", card
    if address is not None and (peer := peer_to(plan, address)):
        return "as the tunnel's address", f"encrypted, to {peer.endpoint}"
    if near and settings.mode.link:
        return "own address, no translation", f"{settings.mode.link.kind}, {card}"
    if near and settings.mode.optional_nat and not settings.routed_nat:
        return "bridge address, no translation", card
    return f"masquerade: as {private.address if private and near else 'the host'}", card


def _is_near(plan: HostPlan, address: IPv4Address) -> bool:
    """Tell whether an address is reached over the private card."""
    if plan.private is None:
        return False
    networks = (plan.private.subnet, *(network for network, _ in plan.private.routes))
    return any(address in network for network in networks)


def ways(plan: HostPlan, member: MemberPlan) -> Iterator[Way]:
    """Yield the ways to and from a container."""
    if isinstance(member, InstancePlan):
        yield _way_in(plan, member)
    for endpoint in endpoints(plan):
        arrow = leaving(plan, endpoint)
        if endpoint.address and peer_to(plan, endpoint.address):
            arrow = ("out of the tunnel", f"as {tunnel_address(plan, member)}")
        title = f"{member.title} of {plan.host} to {endpoint.name}"
        last = Hop(endpoint.name, endpoint.place, arrow)
        yield Way(endpoint.name, title, (*_start(plan, member, endpoint), last))


def _way_in(plan: HostPlan, instance: InstancePlan) -> Way:
    settings, port = plan.settings, instance.port
    clients = Hop("clients", "and load balancers")
    name = next(iter(instance.containers))
    entrance = Hop(plan.host, f"{settings.published or '*'}:{port}")
    title = f"clients to {instance.title} of {plan.host}"
    if not settings.mode.bridge:
        last = Hop(name, f"port {port}", ("no translation",))
        return Way("from clients", title, (clients, entrance, last))
    last = Hop(name, f"port {settings.container_port}", ("past its guard",))
    bridge = Hop(
        f"bridge {PUBLISH_INTERFACE}",
        f"{settings.publish_gateway}/{settings.publish_subnet.prefixlen}",
        ("translated to", translations(plan)[port]),
    )
    return Way("from clients", title, (clients, entrance, bridge, last))


def _start(plan: HostPlan, member: MemberPlan, endpoint: Endpoint) -> Iterator[Hop]:
    """Yield the hops of a way from a container to the edge of its host, or of its tunnel."""
    settings, private, address = plan.settings, plan.private, endpoint.address
    name = next(iter(member.containers))
    place = bridge_places(plan).get(key(member))
    if not settings.mode.bridge:
        yield Hop(name, "the host's own network")
    elif address is not None and (peer := peer_to(plan, address)):
        sidecar = min(settings.instances) if place is None else key(member)
        yield Hop(name, "in its tunnel's network")
        yield Hop(
            container(SIDECAR, sidecar), str(tunnel_address(plan, member)), ("shares its network",)
        )
        yield Hop(peer.endpoint, "the tunnel's peer", ("encrypted, by the bridge", "as the host"))
    elif settings.mode.link and private and address is not None and _is_near(plan, address):
        yield Hop(name, str(member.address))
        arrow = (f"{settings.mode.link.kind} {PRIVATE_NETWORK}", "past the bridge")
        yield Hop(private.interface, f"card of {plan.host}", arrow)
    else:
        yield Hop(name, str(place or "in its tunnel's network"))
        yield Hop(
            f"bridge {PUBLISH_INTERFACE}", str(settings.publish_gateway), ("its default route",)
        )
        if address is not None or endpoint.outside:
            yield Hop(plan.host, "routes it", ("forwarded",))
