"""Which of many networks overlap: one sort tells, since two are nested or wholly apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network


def overlapping(networks: Mapping[str, IPv4Network]) -> Iterator[tuple[str, str]]:
    """Yield each pair of names whose networks overlap, the names of a pair in order.

    Takes time for the sort and for what it yields.
    """
    around: list[tuple[str, IPv4Network]] = []
    for name, network in sorted(networks.items(), key=lambda item: (_key(item[1]), item[0])):
        while around and around[-1][1].broadcast_address < network.network_address:
            around.pop()
        for outer, _ in around:
            yield min(name, outer), max(name, outer)
        around.append((name, network))


def _key(network: IPv4Network) -> tuple[IPv4Address, int]:
    """Have what holds others come before them."""
    return network.network_address, network.prefixlen


class Holders:
    """Which networks hold an address, of many: one look-up per length of a prefix."""

    def __init__(self, networks: Mapping[str, IPv4Network]) -> None:
        self._names: dict[IPv4Network, list[str]] = {}
        for name, network in networks.items():
            self._names.setdefault(network, []).append(name)
        self._lengths = sorted({network.prefixlen for network in self._names})

    def of(self, address: IPv4Address) -> Iterator[str]:
        """Yield the names of the networks that hold the address."""
        for length in self._lengths:
            yield from self._names.get(IPv4Network((address, length), strict=False), ())
