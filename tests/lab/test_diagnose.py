"""Faults of all kinds, each on a real host: the first broken hop is the one that was broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Run, Site, check_paths, snapshot, ssh, wait_until
from tests.lab.modes import in_mode
from tests.lab.reloads import UNGUARDED

HOST = "plain13"
INSIDE = "nsenter --net --target $(podman inspect --format '{{.State.Pid}}' onetime-7043)"
FORWARD = "chain forward { type filter hook forward priority 0; policy drop; };"
DROPS = f"nft 'table inet theirs {{ {FORWARD} }}'"
# What would repair it is quicker than the question.
BLIND = "systemctl stop onetime-firewall; "
FAILING = "/run/systemd/system/onetime@7043.service.d/fails.conf"
STARTS = "$(systemctl show -P NRestarts onetime@7043)"
LOOPS = (
    f"mkdir -p $(dirname {FAILING}); "
    f"printf '[Service]\\nExecStartPre=/usr/bin/timeout 0.1 sleep 9\\n' >{FAILING}; "
    "systemctl daemon-reload; systemctl restart --no-block onetime@7043; "
    f"timeout 60 sh -c 'until [ {STARTS} -ge 3 ]; do sleep 0.2; done'"
)
# What breaks a host, what mends it, the cause, and whether packets must be sent to see it.
Fault = tuple[str, str, str, bool]
MACVLAN: dict[str, Fault] = {
    "unit stopped": ("systemctl stop onetime@7043", "", "unit-stopped", False),
    "crash loop": (LOOPS, f"rm {FAILING}; systemctl daemon-reload", "crash-loop", False),
    "image gone": (
        "systemctl stop onetime@7043 onetime@7044; podman rmi --force localhost/onetime-lab:1",
        "",
        "image-gone",
        False,
    ),
    "boot link gone": ("rm /etc/containers/systemd/onetime", "", "boot-link-missing", False),
    "watcher stopped": ("systemctl stop onetime-firewall", "", "watcher-stopped", False),
    "gate closed": (
        "sh /etc/onetime/current/host/gate.sh close 7043",
        "sh /etc/onetime/current/host/gate.sh open 7043",
        "gate-closed",
        False,
    ),
    "rules flushed": (f"{BLIND}nft delete table ip onetime", "", "rules-missing", False),
    "forwarding off": ("sysctl -qw net.ipv4.ip_forward=0", "", "forwarding-off", False),
    "policy drop": (
        f"{BLIND}{DROPS}",
        "nft delete table inet theirs",
        "firewall-drops",
        False,
    ),
    "guard gone": (f"{BLIND}{UNGUARDED}", "", "guard-missing", False),
    "shim gone": (f"{BLIND}ip link delete macvlan0", "", "shim-missing", False),
    "container's packets dropped": (
        f"{INSIDE} nft 'table inet theirs {{ chain output {{ type filter hook output priority 0; "
        "tcp dport 6379 drop; }; }'",
        f"{INSIDE} nft delete table inet theirs",
        "packets-dropped",
        True,
    ),
    "container's packets refused": (
        f"{INSIDE} nft 'table inet theirs {{ chain output {{ type filter hook output priority 0; "
        "tcp dport 6379 reject with tcp reset; }; }'",
        f"{INSIDE} nft delete table inet theirs",
        "service-refuses",
        True,
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def diagnose(site: Site, *flags: str) -> Run:
    return site.pyinfra("diagnose.py", *flags)


def causes(run: Run) -> list[str]:
    """Return the code of the first broken hop of each path, each once."""
    lines = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    assert lines, run.output
    return [*dict.fromkeys(line["cause"] for line in lines if line.get("cause"))]


@contextmanager
def fault(inject: str, mend: str) -> Iterator[None]:
    ssh(HOST, inject)
    try:
        yield
    finally:
        ssh(HOST, f"{mend or ':'}; true")


@pytest.fixture(scope="module")
def macvlan(site: Site) -> Site:
    there = in_mode(site, "macvlan")
    assert there.deploy().code == 0
    return there


@pytest.mark.parametrize("mode", ["direct", "routed", "host", "wireguard", "macvlan"])
def test_healthy_host_has_no_broken_path_and_is_left_as_it_is(site: Site, mode: str) -> None:
    there = in_mode(site, mode)
    assert there.deploy().code == 0
    before = snapshot(HOST)
    for flags in ((), ("--data", "ask=1")):
        run = diagnose(there, *flags)
        assert run.code == 0, run.output
        assert "no path is broken" in run.output
        assert snapshot(HOST) == before


@pytest.mark.parametrize("name", MACVLAN)
def test_first_broken_hop_is_the_one_that_was_broken(macvlan: Site, name: str) -> None:
    inject, mend, cause, asks = MACVLAN[name]
    check_paths([HOST])
    with fault(inject, mend):
        flags = ("--data", "ask=1") if asks else ()
        run = diagnose(macvlan, *flags, "--data", "format=json")
        assert run.code == 1, run.output
        blind = {"watcher-stopped"} if inject.startswith(BLIND) else set()
        first, *_ = [code for code in causes(run) if code not in blind]
        assert first == cause, run.output
    repaired = macvlan.deploy()
    assert repaired.code == 0, repaired.output
    check_paths([HOST])


def test_broken_path_is_a_table_and_ends_in_one_sentence(macvlan: Site) -> None:
    with fault("systemctl stop onetime@7043", "systemctl start onetime@7043"):
        run = diagnose(macvlan)
    assert f"{HOST} 7044 client to app: ok" in run.output
    assert f"{HOST} 7043 client to app: broken" in run.output
    assert "unit-stopped: 2 paths" in run.output
    assert "systemctl start onetime@7043.service" in run.output
    wait_until(HOST, "systemctl is-active --quiet onetime@7043")
