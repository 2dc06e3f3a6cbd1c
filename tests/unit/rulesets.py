"""Rulesets as nft lists them, read by the host's own program and the fact's parser."""

from __future__ import annotations

import subprocess
from pathlib import Path

from facts.firewall import FIREWALL, FirewallState

PROGRAM = Path(__file__).parents[2] / "host/ruleset.awk"


def read(ruleset: str, trusted: str = "") -> FirewallState:
    return FIREWALL.parse({"ruleset": program(ruleset), "trusted": trusted})


def program(ruleset: str) -> str:
    return subprocess.run(
        ["awk", "-v", "comment=onetime", "-v", "mark=0x01000000", "-f", str(PROGRAM)],
        input=ruleset,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def chain(name: str, *rules: str, hook: str = "", policy: str = "accept") -> str:
    """Return a chain as nft lists it; its rules have the handles 10, 11, …"""
    lines = [f"\tchain {name} {{ # handle 1"]
    if hook:
        lines.append(f"\t\ttype filter hook {hook} priority filter; policy {policy};")
    lines += [f"\t\t{rule} # handle {number}" for number, rule in enumerate(rules, 10)]
    return "\n".join([*lines, "\t}", ""])


def table(*chains: str, name: str = "inet filter") -> str:
    return f"table {name} {{ # handle 7\n{''.join(chains)}}}\n"
