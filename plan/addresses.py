"""Addresses for life: which instance of a host has which address and MAC.

An instance's place in `container_range` follows from its port alone, and what is installed wins
over that, so an instance keeps its address whatever happens to the list around it. The range's
first address is left out: Podman never leases it, which makes it the host's own for the shim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network


def usable(
    container_range: IPv4Network, *, subnet: IPv4Network | None, shim: IPv4Address
) -> list[IPv4Address]:
    """Return the addresses of the range that an instance may have, in order."""
    edges = {subnet.network_address, subnet.broadcast_address} if subnet else set()
    return [a for a in container_range if a not in {container_range[0], shim, *edges}]


def allocate(
    ports: Iterable[int],
    pool: list[IPv4Address],
    installed: Mapping[int, IPv4Address],
) -> dict[int, IPv4Address]:
    """Return an address per port; ports that find the pool exhausted are left out.

    + pool: addresses to choose from, in order
    + installed: what instances have now; kept where it is in the pool
    """
    ports = sorted(ports)
    members = set(pool)
    chosen: dict[int, IPv4Address] = {}
    for port in ports:
        if installed.get(port) in members:
            chosen[port] = installed[port]
    for port in ports:
        taken = set(chosen.values())
        if port in chosen or len(taken) == len(pool):
            continue
        start = port % len(pool)
        chosen[port] = next(a for a in pool[start:] + pool[:start] if a not in taken)
    return dict(sorted(chosen.items()))


def mac(address: IPv4Address) -> str:
    """Return a locally administered MAC made from the address: unique where the address is."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x00, *address.packed))
