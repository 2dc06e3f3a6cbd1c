"""Reloads of a host's firewall, and how soon its paths answer again."""

from __future__ import annotations

import time

from tests.lab.harness import Site, check_paths, ssh, started

# Most are back within one; the machine that the lab is on may be busy.
SECONDS = 15
# What Debian ships flushes the ruleset and drops nothing; this drops what is forwarded.
CHAIN = "chain forward { type filter hook forward priority filter; policy drop; }"
DROPS = f"flush ruleset\ntable inet filter {{ {CHAIN}; }}\n"
RELOADS = {
    "flush": "nft flush ruleset",
    "nftables": "systemctl restart nftables",
    "interfaces made anew": "podman network reload --all",
    "nftables that drops": (
        "cp /etc/nftables.conf /etc/nftables.conf.found; "
        f"printf '%s' '{DROPS}' > /etc/nftables.conf; systemctl restart nftables"
    ),
}
UNGUARDED = (
    "for name in $(podman ps --filter network=onetime-publish --format '{{.Names}}'); do "
    "nsenter --net --target $(podman inspect --format '{{.State.Pid}}' $name) "
    "ip rule del priority 4300; done"
)


def answers_again(host: str, since: float, seconds: float = SECONDS) -> None:
    """Return when every path of the host answers; fail if that is too late."""
    while True:
        try:
            check_paths([host], patience=1)
        except AssertionError:
            if time.monotonic() > since + seconds:
                raise
            continue
        assert time.monotonic() < since + seconds
        return


def survives(host: str, command: str, *, seconds: float = SECONDS) -> None:
    """Run a command that reloads the firewall; every path answers again, nothing was restarted."""
    check_paths([host])
    before = started(host)
    ssh(host, command)
    answers_again(host, time.monotonic(), seconds)
    assert started(host) == before


def nothing_is_left_to_do(site: Site) -> None:
    again = site.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output
