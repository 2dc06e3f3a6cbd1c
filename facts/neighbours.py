"""Who on the LAN answers for addresses, asked by ARP in one remote command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from facts.reading import ScriptFact, script

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


class Neighbours(ScriptFact[Mapping[IPv4Address, str]]):
    """Look for addresses on the LAN; those that somebody answers for, with the answering MAC.

    + addresses: those to ask for
    """

    def command(self, addresses: Sequence[str]) -> str:
        """Return the script; it changes nothing on the host but its memory of these neighbours."""
        asked = " ".join(shlex.quote(str(address)) for address in addresses)
        return script(f"{_PROBE}say neighbours probe {asked}")

    def read(self, answers: Mapping[str, str]) -> dict[IPv4Address, str]:
        """Parse the confirmed entries of `ip neigh show`; `ValueError` on what it would not say."""
        entries = [line.split() for line in answers["neighbours"].splitlines() if line.strip()]
        return {
            IPv4Address(fields[0]): fields[fields.index("lladdr") + 1]
            for fields in entries
            if "lladdr" in fields and fields[-1] in {"REACHABLE", "PERMANENT"}
        }
