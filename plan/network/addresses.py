"""Addresses for life: which instance of a host has which address and MAC.

An instance's place in `container_range` follows from its port alone, and what is installed wins
over that, so an instance keeps its address whatever happens to the list around it. The range's
first address is left out: Podman never leases it, which makes it the host's own for the shim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from zlib import crc32

from plan.inventory.settings import Settings
from plan.inventory.values import Member


@dataclass(frozen=True)
class Pool:
    """The addresses of a range that instances may have. Never listed: a range may hold millions."""

    container_range: IPv4Network
    excluded: frozenset[IPv4Address]

    @property
    def room(self) -> int:
        """How many instances there is room for."""
        lost = {self.container_range[0], *self.excluded}
        return self.container_range.num_addresses - sum(a in self.container_range for a in lost)

    def __contains__(self, address: IPv4Address) -> bool:
        return (
            address in self.container_range
            and address != self.container_range[0]
            and address not in self.excluded
        )

    def starting_at(self, member: Member) -> Iterator[IPv4Address]:
        """Yield each address once, from the member's own place on."""
        places = self.container_range.num_addresses - 1
        place = member if isinstance(member, int) else crc32(member.encode())
        for step in range(places):
            address = self.container_range[1 + (place + step) % places]
            if address in self:
                yield address


@dataclass(frozen=True)
class Allocation:
    """The addresses of a host's instances and jobs, without those that found no room.

    + room: for how many the range has addresses
    """

    addresses: Mapping[Member, IPv4Address]
    room: int


def allocation(
    settings: Settings, subnet: IPv4Network, installed: Mapping[Member, IPv4Address]
) -> Allocation:
    """Return who gets which address, where the host has a range: the one answer to that.

    + installed: what they have now
    """
    container_range, shim = settings.own_range, settings.shim_place
    assert container_range is not None  # noqa: S101 - for modes and hosts that have one
    assert shim is not None  # noqa: S101 - so has the shim
    pool = usable(container_range, subnet=subnet, shim=shim)
    return Allocation(allocate(settings.members, pool, installed), pool.room)


def bridge_allocation(
    settings: Settings, installed: Mapping[Member, IPv4Address]
) -> dict[Member, IPv4Address]:
    """Return where each container is on the bridge, which has its first address itself.

    Behind a tunnel jobs are where an instance is. + installed: what they have now
    """
    subnet = settings.publish_subnet
    pool = Pool(subnet, frozenset({settings.publish_gateway, subnet.broadcast_address}))
    members = settings.instances if settings.mode.tunnel else settings.members
    return allocate(members, pool, installed)


def usable(container_range: IPv4Network, *, subnet: IPv4Network, shim: IPv4Address) -> Pool:
    """Return the addresses of the range that an instance may have."""
    return Pool(
        container_range, frozenset({shim, subnet.network_address, subnet.broadcast_address})
    )


def allocate(
    members: Iterable[Member], pool: Pool, installed: Mapping[Member, IPv4Address]
) -> dict[Member, IPv4Address]:
    """Return an address per member; those that find the pool exhausted are left out.

    + installed: what they have now; kept where it is in the pool, by the first that has it
    """
    members = sorted(members, key=_order)
    chosen: dict[Member, IPv4Address] = {}
    for member in members:
        address = installed.get(member)
        if address is not None and address in pool and address not in chosen.values():
            chosen[member] = address
    for member in members:
        if member not in chosen and len(chosen) < pool.room:
            taken = set(chosen.values())
            chosen[member] = next(a for a in pool.starting_at(member) if a not in taken)
    return {member: chosen[member] for member in members if member in chosen}


def _order(member: Member) -> tuple[bool, Any]:
    """Return what puts ports before names."""
    return isinstance(member, str), member


def mac(address: IPv4Address) -> str:
    """Return a locally administered MAC made from the address: unique where the address is."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x00, *address.packed))
