"""Who has what in a private subnet: ranges and single addresses, and where two have the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from plan.map.hosts import MapHost, endpoint_name, key
from plan.map.shapes import anchor
from plan.model import HostPlan
from plan.network.addresses import mac

# What nobody else may have: the addresses that the deploy gives away.
_EXCLUSIVE = {"instance", "job", "shim"}


@dataclass(frozen=True)
class Mark:
    """Who has an address.

    + kind: gateway, router, host, service, shim, instance, job or stranger
    + owner: the host that has it, empty for those that are no host of the inventory
    + label: a few letters for a cell; `text` says the same in words
    """

    address: IPv4Address
    kind: str
    owner: str
    label: str
    text: str
    target: str = ""


@dataclass(frozen=True)
class Range:
    """The part of a subnet that a host's containers may use."""

    network: IPv4Network
    host: str


@dataclass(frozen=True)
class Collision:
    """An address or a range that two have, in a sentence, and the hosts that it concerns."""

    text: str
    place: IPv4Address | IPv4Network
    hosts: frozenset[str]


@dataclass(frozen=True)
class Subnet:
    """One private subnet, with all that is known in it."""

    network: IPv4Network
    hosts: tuple[str, ...]
    gateways: tuple[IPv4Address, ...]
    ranges: tuple[Range, ...]
    marks: tuple[Mark, ...]
    collisions: tuple[Collision, ...]

    @property
    def disputed(self) -> frozenset[IPv4Address | IPv4Network]:
        """The addresses and ranges that two have."""
        return frozenset(collision.place for collision in self.collisions)


def subnets(hosts: Sequence[MapHost]) -> tuple[Subnet, ...]:
    """Return the private subnets of planned hosts, by address."""
    networks = {host.plan.private.subnet: None for host in hosts if host.plan and host.plan.private}
    return tuple(_subnet(network, hosts) for network in sorted(networks))


def _subnet(network: IPv4Network, hosts: Sequence[MapHost]) -> Subnet:
    members = [host for host in hosts if _is_in(host, network)]
    ranges = sorted(
        (Range(host.settings.own_range, host.name) for host in members if host.settings.own_range),
        key=lambda claim: (claim.network, claim.host),
    )
    inside = tuple(claim for claim in ranges if claim.network.subnet_of(network))
    marks = tuple(
        sorted(
            {
                mark
                for host in members
                if host.plan
                for mark in _marks(host, host.plan)
                if mark.address in network
            },
            key=lambda mark: (mark.address, mark.kind, mark.owner, mark.text),
        )
    )
    return Subnet(
        network=network,
        hosts=tuple(host.name for host in members),
        gateways=tuple(mark.address for mark in marks if mark.kind == "gateway"),
        ranges=inside,
        marks=marks,
        collisions=(*_overlaps(inside), *_held(inside, marks), *_shared(marks)),
    )


def _is_in(host: MapHost, network: IPv4Network) -> bool:
    """Tell whether a host is in a subnet; without a plan, whether its range says so."""
    if host.plan:
        return host.plan.private is not None and host.plan.private.subnet == network
    container_range = host.settings.own_range
    return container_range is not None and container_range.subnet_of(network)


def _marks(host: MapHost, plan: HostPlan) -> Iterator[Mark]:
    private = plan.private
    assert private is not None  # noqa: S101 - or the host would be in no subnet
    yield Mark(private.gateway, "gateway", "", "gw", "gateway")
    for destination, router in private.routes:
        yield Mark(router, "router", "", "rt", f"router to {destination}")
    page = anchor("host", host.name)
    text = f"{host.name} {private.interface}"
    yield Mark(private.address, "host", host.name, "host", text, page)
    for endpoint, (address, port) in plan.endpoints.items():
        name = endpoint_name(plan, endpoint)
        label = "db" if endpoint == "database" else "srv"
        yield Mark(address, "service", "", label, f"{name}, port {port}")
    if shim := plan.mode.shim:
        text = f"shim {shim.link.interface} of {host.name}"
        yield Mark(shim.address, "shim", host.name, "shim", text, page)
    for member in plan.members:
        if member.address:
            kind, name = member.title.split(" ", 1)
            target = anchor("host", host.name, key(member))
            label = name if kind == "instance" else "job"
            text = f"{host.name} {name}"
            yield Mark(member.address, kind, host.name, label, text, target)
    for address, other in host.answering.items():
        # By a shim the container itself is heard.
        if other != mac(address):
            yield Mark(address, "stranger", "", "!", f"answered by {other}")


def clusters(ranges: Sequence[Range]) -> list[list[Range]]:
    """Return ranges that overlap together, the widest of each first; others by themselves."""
    groups: list[list[Range]] = []
    for claim in sorted(ranges, key=lambda claim: (claim.network, claim.host)):
        # Of two that overlap one holds the other, and what holds others comes before them.
        if groups and claim.network.subnet_of(groups[-1][0].network):
            groups[-1].append(claim)
        else:
            groups.append([claim])
    return groups


def _overlaps(ranges: Sequence[Range]) -> Iterator[Collision]:
    for first, *others in clusters(ranges):
        if others:
            listing = ", ".join(f"{claim.network} of {claim.host}" for claim in others)
            yield Collision(
                f"{first.network} of {first.host} overlaps with {listing}",
                first.network,
                frozenset({first.host, *(claim.host for claim in others)}),
            )


def _held(ranges: Sequence[Range], marks: Sequence[Mark]) -> Iterator[Collision]:
    """Yield what is in a host's range and not its own; what else tells is left out."""
    networks = {claim.host: claim.network for claim in ranges}
    for claim in ranges:
        for mark in marks:
            # Its own, or an overlap of ranges.
            home = networks.get(mark.owner) if mark.kind in _EXCLUSIVE else None
            explained = mark.kind == "stranger" or (home is not None and mark.address in home)
            if not explained and mark.address in claim.network:
                yield Collision(
                    f"{claim.network} of {claim.host} holds {mark.address}, {mark.text}",
                    mark.address,
                    frozenset({claim.host, mark.owner}),
                )


def _shared(marks: Sequence[Mark]) -> Iterator[Collision]:
    """Yield addresses that two have, of which one at least may not be shared."""
    holders: dict[IPv4Address, list[Mark]] = {}
    for mark in marks:
        holders.setdefault(mark.address, []).append(mark)
    for address, those in holders.items():
        hosts = {mark.owner for mark in those if mark.kind == "host"}
        exclusive = any(mark.kind in {*_EXCLUSIVE, "stranger"} for mark in those)
        if len(hosts) > 1 or (exclusive and len(those) > 1):
            yield Collision(
                f"{address} is {' and '.join(mark.text for mark in those)}",
                address,
                frozenset(mark.owner for mark in those),
            )
