"""What lies on the way of packets, beside what the deploy has made: one command that reads only."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from facts.reading import ScriptFact, filled, script
from facts.values import Readable

_QUESTION = r"""
cards() { cd /sys/class/net && for card in *; do echo "$card $(cat "$card/carrier")"; done; }
connections() { cd /proc/sys/net/netfilter && cat nf_conntrack_count nf_conntrack_max; }
inside() {
  podman ps --format '{{.Names}}' --filter 'name=^@INSTANCE@-' | while read -r name; do
    process=$(podman inspect --format '{{.State.Pid}}' "$name") || continue
    cat "/proc/$process/net/tcp" "/proc/$process/net/tcp6" |
      awk -v name="$name" '$4 == "0A" { sub(/.*:/, "", $2); print "listens", name, $2 }'
    nsenter --net --target "$process" ip -4 neighbour show |
      awk -v name="$name" '{ print "neighbour", name, $1, $NF }'
  done
}
handshakes() {
  podman ps --format '{{.Names}}' --filter 'name=^@SIDECAR@-' | while read -r name; do
    podman exec "$name" wg show all latest-handshakes | awk -v name="$name" '{ print name, $NF }'
  done
}
say cards cards
say connections connections
say inside inside
say handshakes handshakes
say clock date +%s
"""


@dataclass(frozen=True)
class WayState(Readable):
    """What packets meet.

    + carriers: whether each card that is up has a cable
    + connections: how many the kernel follows, and how many it can; none where it follows none
    + listening: the ports that are open inside of each container
    + neighbours: the state of whom each container asked for, as the kernel calls it
    + routes: the card over which the host reaches each address that was asked for
    + handshakes: seconds since the last one of each tunnel, none before the first
    """

    carriers: Mapping[str, bool]
    connections: tuple[int, int] | None
    listening: Mapping[str, frozenset[int]]
    neighbours: Mapping[str, Mapping[IPv4Address, str]]
    routes: Mapping[IPv4Address, str]
    handshakes: Mapping[str, int | None]


class Way(ScriptFact[WayState]):
    """Read what lies on the way.

    + addresses: those to which the host's route is asked for
    """

    def command(self, addresses: Sequence[str]) -> str:
        """Return the script; it changes nothing on the host."""
        asked = " ".join(shlex.quote(address) for address in addresses)
        routes = f"routes() {{ for it in {asked}; do ip -4 route get $it | head -n 1; done; }}\n"
        return script(f"{filled(_QUESTION)}{routes}say routes routes\n")

    def read(self, answers: Mapping[str, str]) -> WayState:
        """Parse the answers; `ValueError` on nonsense."""
        clock = int(answers["clock"])
        listening: dict[str, set[int]] = {}
        neighbours: dict[str, dict[IPv4Address, str]] = {}
        for line in answers["inside"].splitlines():
            kind, name, *words = line.split()
            if kind == "listens":
                listening.setdefault(name, set()).add(int(words[0], 16))
            else:
                neighbours.setdefault(name, {})[IPv4Address(words[0])] = words[1]
        count = [int(number) for number in answers["connections"].split()]
        return WayState(
            carriers=dict(_carriers(answers["cards"])),
            connections=(count[0], count[1]) if len(count) > 1 else None,
            listening={name: frozenset(ports) for name, ports in listening.items()},
            neighbours=neighbours,
            routes=dict(_routes(answers["routes"])),
            handshakes={
                name: clock - int(time) if int(time) else None
                for name, time in map(str.split, answers["handshakes"].splitlines())
            },
        )


def _carriers(text: str) -> Iterator[tuple[str, bool]]:
    """Yield cards and whether they have a cable; one that is down does not tell."""
    for line in text.splitlines():
        card, _, carrier = line.partition(" ")
        if carrier.strip():
            yield card, carrier.strip() == "1"


def _routes(text: str) -> Iterator[tuple[IPv4Address, str]]:
    for line in text.splitlines():
        words = line.split()
        if "dev" in words[:-1]:
            address = words[1] if words[0] == "local" else words[0]
            yield IPv4Address(address), words[words.index("dev") + 1]
