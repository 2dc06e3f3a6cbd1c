"""What tunnels of two hosts must not have in common: keys and addresses, at one peer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from plan.inventory.settings import Settings
from plan.inventory.tunnels import private_key
from plan.problems import Problem


def check_tunnels(
    settings: Mapping[str, Settings], secrets: Mapping[str, Mapping[str, str]]
) -> Iterator[Problem]:
    """Yield addresses and keys that tunnels of two hosts have in common, where they share a peer.

    + secrets: values by host and variable; those of hosts that this run leaves alone are not known
    """
    ends: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for host, words in sorted(settings.items()):
        for port in _tunnel_ports(words):
            assert words.tunnel is not None  # noqa: S101 - a port of a tunnel
            address = words.tunnel.instances[port].address
            key = secrets.get(host, {}).get(private_key(port))
            for mark in ((f"{address} is the address", ""), *([("", key)] if key else [])):
                ends.setdefault(mark, []).append((host, port))
    shared = sorted(
        (host, neighbour, port, port_there, not text, text)
        for (text, _), holders in ends.items()
        for (host, port), (neighbour, port_there) in combinations(holders, 2)
        if host != neighbour and _peers(settings[host]) & _peers(settings[neighbour])
    )
    for host, neighbour, port, port_there, _, text in shared:
        what = text or f"the private key of instance {port} is that"
        yield Problem(
            host,
            "wireguard",
            f"{what} of instance {port_there} of {neighbour} too",
            "Give each instance, on any host, a key and an address of its own",
        )


def _peers(settings: Settings) -> set[str]:
    return {peer.public_key for peer in settings.tunnel.peers} if settings.tunnel else set()


def _tunnel_ports(settings: Settings) -> list[int]:
    tunnels = settings.tunnel.instances if settings.tunnel else {}
    return [port for port in settings.instances if port in tunnels]
