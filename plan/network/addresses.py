"""Addresses for life: which instance of a host has which address and MAC.

An instance's place in `container_range` follows from its port alone, and what is installed wins
over that, so an instance keeps its address whatever happens to the list around it. The range's
first address is left out: Podman never leases it, which makes it the host's own for the shim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from plan.inventory.settings import Settings


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

    def starting_at(self, port: int) -> Iterator[IPv4Address]:
        """Yield each address once, from the port's own place on."""
        places = self.container_range.num_addresses - 1
        for step in range(places):
            address = self.container_range[1 + (port + step) % places]
            if address in self:
                yield address


@dataclass(frozen=True)
class Allocation:
    """The addresses of a host's instances by port, without those that found no room.

    + room: for how many instances the range has addresses
    """

    instances: Mapping[int, IPv4Address]
    room: int


def allocation(
    settings: Settings, subnet: IPv4Network, installed: Mapping[int, IPv4Address]
) -> Allocation:
    """Return which instance gets which address, where the host has a range: the one answer to that.

    + installed: what instances have now
    """
    container_range, shim = settings.own_range, settings.shim_place
    assert container_range is not None  # noqa: S101 - for modes and hosts that have one
    assert shim is not None  # noqa: S101 - so has the shim
    pool = usable(container_range, subnet=subnet, shim=shim)
    return Allocation(allocate(settings.instances, pool, installed), pool.room)


def bridge_allocation(
    settings: Settings, installed: Mapping[int, IPv4Address]
) -> dict[int, IPv4Address]:
    """Return where each port is published to on the bridge, which has its first address itself.

    + installed: what instances have now
    """
    subnet = settings.publish_subnet
    pool = Pool(subnet, frozenset({settings.publish_gateway, subnet.broadcast_address}))
    return allocate(settings.instances, pool, installed)


def usable(container_range: IPv4Network, *, subnet: IPv4Network, shim: IPv4Address) -> Pool:
    """Return the addresses of the range that an instance may have."""
    return Pool(
        container_range, frozenset({shim, subnet.network_address, subnet.broadcast_address})
    )


def allocate(
    ports: Iterable[int], pool: Pool, installed: Mapping[int, IPv4Address]
) -> dict[int, IPv4Address]:
    """Return an address per port; ports that find the pool exhausted are left out.

    + installed: what instances have now; kept where it is in the pool, by the first that has it
    """
    ports = sorted(ports)
    chosen: dict[int, IPv4Address] = {}
    for port in ports:
        address = installed.get(port)
        if address is not None and address in pool and address not in chosen.values():
            chosen[port] = address
    for port in ports:
        if port not in chosen and len(chosen) < pool.room:
            taken = set(chosen.values())
            chosen[port] = next(a for a in pool.starting_at(port) if a not in taken)
    return dict(sorted(chosen.items()))


def mac(address: IPv4Address) -> str:
    """Return a locally administered MAC made from the address: unique where the address is."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x00, *address.packed))
