"""The host's side of the network, read from `/proc` in one remote command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from facts import proc
from facts.proc import Listener, Route
from facts.reading import ScriptFact, script
from facts.values import Readable


@dataclass(frozen=True)
class HostNetwork(Readable):
    """What the kernel says about the host's network.

    `interfaces` and `routes` keep the kernel's order; `addresses` are the host's own, loopback left
    out; interfaces that are `alone` have no neighbours whose addresses they could ask for: loopback
    and tunnels; `resolved` is the host's own answer for the database's name.
    """

    interfaces: tuple[str, ...]
    up: frozenset[str]
    alone: frozenset[str]
    routes: tuple[Route, ...]
    addresses: tuple[IPv4Address, ...]
    listeners: frozenset[Listener]
    resolved: IPv4Address | None


class Network(ScriptFact[HostNetwork]):
    """Read the host's network.

    + db_host: the name that the host is asked to resolve
    """

    def command(self, db_host: str) -> str:
        """Return the script; it changes nothing on the host."""
        return script(
            "for name in route dev fib_trie tcp tcp6; do\n"
            + '  say "$name" cat "/proc/net/$name"\n'
            + "done\n"
            + "say up sh -c 'cd /sys/class/net && for i in *; do"
            + ' [ -r "$i/flags" ] && echo "$i $(cat "$i/flags")"; done; true\'\n'
            + f"say resolved getent ahostsv4 {shlex.quote(db_host)}\n"
        )

    def read(self, answers: Mapping[str, str]) -> HostNetwork:
        """Parse the answers; `ValueError` on anything that the kernel would not write."""
        return HostNetwork(
            interfaces=proc.parse_interfaces(answers["dev"]),
            up=proc.parse_links_up(answers["up"]),
            alone=proc.parse_links_alone(answers["up"]),
            routes=proc.parse_routes(answers["route"]),
            addresses=proc.parse_addresses(answers["fib_trie"]),
            listeners=proc.parse_listeners(
                answers["tcp"], answers["tcp6"], proc.byte_order(answers["route"])
            ),
            resolved=_first_address(answers["resolved"]),
        )


def _first_address(text: str) -> IPv4Address | None:
    """Return the address in the first line of `getent ahostsv4`, none if there is no answer."""
    fields = text.split(maxsplit=1)
    return IPv4Address(fields[0]) if fields else None
