"""The host's firewall, as far as it concerns the deploy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from facts.reading import Part
from facts.values import Readable

_HOST = Path(__file__).parents[1] / "host"

# What the host's own programs read the firewall with.
_QUESTION = r"""
ruleset() {
  nft -a --terse list ruleset | awk -v comment=@RULE_COMMENT@ -v mark=@RULE_MARK@ @RULESET@
}
@TRUSTED@
say ruleset ruleset
say trusted trusted
"""
_LENGTHS = {"barrier": 6, "unseen": 5, "rule": 6, "translated": 4}


@dataclass(frozen=True)
class Translation(Readable):
    """Ports that somebody else's rule takes, from `low` to `high`, to some of the host's addresses.

    + addresses: those, none for all of them
    """

    low: int
    high: int
    addresses: IPv4Network | None


@dataclass(frozen=True)
class FirewallState(Readable):
    """What of the ruleset concerns the deploy.

    + barriers: the hooks of base chains that drop what none of their rules accepts, by chain, as
      nft names them
    + unseen: base chains that may drop what comes in from outside before the host can tell
    + rules: the digests in comments of the deploy's own rules, by chain; 0 for one that another
      rule makes useless
    + translated: the ports that rules which are not Podman's translate
    + trusted: the sources in firewalld's zone of that name, none where it does not run
    """

    barriers: Mapping[str, str]
    unseen: frozenset[str]
    rules: Mapping[str, tuple[str, ...]]
    translated: frozenset[Translation]
    trusted: frozenset[str] | None


def _parse(answers: Mapping[str, str]) -> FirewallState:
    barriers: dict[str, str] = {}
    unseen: set[str] = set()
    translated: set[Translation] = set()
    rules: dict[str, tuple[str, ...]] = {}
    for line in answers["ruleset"].splitlines():
        kind, *words = line.split()
        if len(words) + 1 != _LENGTHS.get(kind):
            raise ValueError(f"the ruleset was read as {line[:60]!a}")
        match kind:
            case "barrier":
                barriers[" ".join(words[1:4])] = words[0]
            case "unseen":
                unseen.add(" ".join(words[1:4]))
            case "rule":
                chain = " ".join(words[:3])
                rules[chain] = (*rules.get(chain, ()), words[3])
            case _:
                translated.add(_translation(*words))
    return FirewallState(
        barriers=barriers,
        unseen=frozenset(unseen),
        rules=rules,
        translated=frozenset(translated),
        trusted=_sources(answers["trusted"]),
    )


def _translation(low: str, high: str, addresses: str) -> Translation:
    subnet = None if addresses == "any" else IPv4Network(addresses, strict=False)
    return Translation(int(low), int(high), subnet)


def _sources(text: str) -> frozenset[str] | None:
    """Return the strings of an array in busctl's notation, none if there is no answer."""
    return frozenset(re.findall(r'"([^"]*)"', text)) if text.strip() else None


FIREWALL = Part(
    _QUESTION,
    _parse,
    {
        "RULESET": shlex.quote((_HOST / "ruleset.awk").read_text()),
        "TRUSTED": (_HOST / "trusted.sh").read_text(),
    },
)
