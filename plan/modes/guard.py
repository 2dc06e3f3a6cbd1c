"""The guard inside a container's network: what may come to it from where, and where it may go.

Traffic of macvlan and ipvlan passes no rule of the host's, and neighbours on a bridge meet none
either. Interfaces have no lasting names in there, so rules go by addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network

from names import CLIENT_ADDRESS
from plan.model import Guard
from plan.situation import Situation

_METADATA = IPv4Network("169.254.0.0/16")
_ANSWERS = "ct state established,related accept"


def plan_guard(
    situation: Situation,
    *,
    clients: Iterable[IPv4Network] = (),
    neighbours: Sequence[IPv4Network] = (),
    reached: Iterable[str] = (),
) -> Guard:
    """Return the rules of each container that is on the bridge.

    + clients: who of the private network may come to the container's own address there
    + neighbours: where other containers are, beside the bridge
    + reached: matches of what it needs beside database, services and names
    """
    settings = situation.settings
    bridge, app = settings.publish_subnet, f"tcp dport {settings.container_port}"
    incoming = [
        ('iif "lo" accept', ""),
        (_ANSWERS, ""),
        # An address is no card: a neighbour may send what is for the bridge over the other one.
        ("fib daddr . iif type != local counter drop", ""),
        (f"ip daddr {bridge} ip saddr {settings.publish_gateway} {app} counter accept", ""),
        (f"ip daddr {bridge} ip saddr != {bridge} {app} counter accept", ""),
    ]
    if listed := ", ".join(map(str, clients)):
        match = f"ip daddr != {bridge} ip saddr {{ {listed} }} {app} counter accept"
        incoming.append((match, "lan_clients"))
    incoming.append(("counter drop", "lan_clients opens"))
    return Guard(tuple(incoming), _outgoing(situation, neighbours, reached))


def _outgoing(
    situation: Situation, neighbours: Sequence[IPv4Network], reached: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    settings = situation.settings
    needed = [f"ip daddr {settings.publish_gateway} th dport 53", *reached]
    if settings.db_address == "host-gateway":
        needed.append(f"tcp dport {settings.db_port}")
    needed += [
        f"ip daddr {address} tcp dport {port}" for address, port in situation.endpoints.values()
    ]
    closed = ", ".join(map(str, (settings.publish_subnet, _METADATA, *neighbours)))
    rules = [
        ('oif "lo" accept', ""),
        (_ANSWERS, ""),
        *((f"{match} counter accept", "") for match in needed),
        # The deploy's own question about the way out leads there.
        (f"ip daddr {IPv4Address(CLIENT_ADDRESS)} accept", ""),
        (f"ip daddr {{ {closed} }} counter reject", ""),
    ]
    if settings.egress == "services":
        rules.append(("counter reject", "egress opens"))
    return tuple(rules)
