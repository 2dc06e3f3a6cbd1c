"""The host's side of the network, read from `/proc` in one remote command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from facts import proc
from facts.proc import Listener, Route
from facts.reading import ScriptFact, script
from facts.values import Readable

# An address is in use when somebody answers ARP for it. What the host remembers of these addresses,
# where nobody should be, is forgotten first; a datagram then makes the kernel ask, once a second,
# and silence for two seconds means that nobody is there.
_PROBE = """
probe() {
  bash -c '
    states() { for a in "$@"; do ip -4 neigh show to "$a"; done; }
    for a in "$@"; do ip -4 neigh flush to "$a"; (echo > "/dev/udp/$a/9"); done
    for turn in 1 2 3 4; do
      sleep 0.5
      case "$(states "$@")" in *INCOMPLETE*) ;; *) break ;; esac
    done
    states "$@"' probe "$@"
}
"""


@dataclass(frozen=True)
class HostNetwork(Readable):
    """What the kernel says about the host's network.

    `interfaces` and `routes` keep the kernel's order; `addresses` are the host's own, loopback left
    out; `resolved` is the host's own answer for the database's name; `answering` maps the probed
    addresses that answered ARP to the answering MAC.
    """

    interfaces: tuple[str, ...]
    up: frozenset[str]
    routes: tuple[Route, ...]
    addresses: tuple[IPv4Address, ...]
    listeners: frozenset[Listener]
    resolved: IPv4Address | None
    answering: Mapping[IPv4Address, str]


class Network(ScriptFact[HostNetwork]):
    """Read the host's network.

    + db_host: the name that the host is asked to resolve
    + probe: addresses to look for on the LAN by ARP; none takes no time at all
    """

    def command(self, db_host: str = "maindb", probe: Sequence[str] = ()) -> str:
        """Return the script; it changes nothing on the host."""
        wanted = " ".join(shlex.quote(str(address)) for address in probe)
        return script(
            _PROBE
            + "for name in route dev fib_trie tcp tcp6; do\n"
            + '  say "$name" cat "/proc/net/$name"\n'
            + "done\n"
            + "say up sh -c 'cd /sys/class/net && for i in *; do"
            + ' [ -r "$i/flags" ] && echo "$i $(cat "$i/flags")"; done; true\'\n'
            + f"say resolved getent ahostsv4 {shlex.quote(db_host)}\n"
            + (f"say neighbours probe {wanted}" if wanted else "")
        )

    def read(self, answers: Mapping[str, str]) -> HostNetwork:
        """Parse the answers; `ValueError` on anything that the kernel would not write."""
        return HostNetwork(
            interfaces=proc.parse_interfaces(answers["dev"]),
            up=proc.parse_links_up(answers["up"]),
            routes=proc.parse_routes(answers["route"]),
            addresses=proc.parse_addresses(answers["fib_trie"]),
            listeners=proc.parse_listeners(answers["tcp"], answers["tcp6"]),
            resolved=_first_address(answers["resolved"]),
            answering=_answering(answers.get("neighbours", "")),
        )


def _first_address(text: str) -> IPv4Address | None:
    """Return the address in the first line of `getent ahostsv4`, none if there is no answer."""
    fields = text.split(maxsplit=1)
    return IPv4Address(fields[0]) if fields else None


def _answering(text: str) -> dict[IPv4Address, str]:
    """Return address and MAC of the confirmed entries in `ip neigh show`."""
    entries = [line.split() for line in text.splitlines() if line.strip()]
    return {
        IPv4Address(fields[0]): fields[fields.index("lladdr") + 1]
        for fields in entries
        if "lladdr" in fields and fields[-1] in {"REACHABLE", "PERMANENT"}
    }
