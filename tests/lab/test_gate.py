"""The gate before a port: an instance that stops ends what it has begun and refuses the rest.

What HAProxy makes of that is in test_load.py; here each promise is asked for by itself.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab import api, netns, shapes
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, page, ssh, started, wait_until

HOST = "plain6"
PUBLIC, PRIVATE = shapes.spec(HOST).public, str(shapes.spec(HOST).private)
UNIT = "onetime@7043.service"
ID = "{{.Id}}"
REFUSED = 7  # curl's exit code; 28 would be a client that waits in vain

# Half a request, and the rest when standard input ends.
HALF = """
import socket, sys
peer = socket.create_connection((sys.argv[1], 7043), 5)
peer.sendall(b"GET /whoami HTTP/1.1\\r\\n")
print("half", flush=True)
sys.stdin.read()
peer.settimeout(10)
peer.sendall(b"\\r\\n")
print(peer.makefile().read())
"""


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


def ask(namespace: str, address: str) -> int:
    """Ask instance 7043 for a page; curl's exit code."""
    url = f"http://{address}:7043/whoami"
    return api.run_in(
        namespace, ["curl", "-sS", "--fail", "-m", "5", "-o", "/dev/null", url]
    ).returncode


def gates() -> str:
    return ssh(HOST, "nft list tables | grep gate || true")


@contextmanager
def request(namespace: str, address: str) -> Iterator[subprocess.Popen[str]]:
    """Make half a request."""
    process = subprocess.Popen(
        netns.inside(namespace, [sys.executable, "-c", HALF, address]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "half\n"
        yield process
    finally:
        process.kill()
        process.wait()


MODES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    # Settings, and from where to ask which address.
    "macvlan": ({}, {"outside": PUBLIC, "maindb": PRIVATE, HOST: "127.0.0.1"}),
    "one address": ({"publish_address": PRIVATE}, {"maindb": PRIVATE, HOST: PRIVATE}),
    "host": ({"network_mode": "host"}, {"outside": PUBLIC, "maindb": PRIVATE, HOST: PRIVATE}),
}


@pytest.mark.parametrize("mode", MODES)
def test_instance_that_stops_ends_what_it_has_begun(site: Site, mode: str) -> None:
    settings, ways = MODES[mode]
    dataclasses.replace(site, everywhere=settings).deploy_twice()
    before = started(HOST)
    namespace, address = next(iter(ways.items()))
    with request(namespace, address) as begun:
        ssh(HOST, f"systemctl restart --no-block {UNIT}")
        wait_until(HOST, "nft list table inet onetime-gate-7043 >/dev/null 2>&1")
        # Refused on every way, while the other instance and other requests go on.
        assert {way: ask(*way) for way in ways.items()} == dict.fromkeys(ways.items(), REFUSED)
        assert page(namespace, address, 7044)["instance"]
        assert started(HOST) == before
        answer, _ = begun.communicate("")
    assert answer.startswith("HTTP/1.1 200 OK"), answer
    wait_until(HOST, f"systemctl is-active --quiet {UNIT}")
    assert started(HOST)["onetime-7043"] != before["onetime-7043"]
    assert {way: ask(*way) for way in ways.items()} == dict.fromkeys(ways.items(), 0)
    assert gates() == ""


@pytest.mark.parametrize("mode", MODES)
def test_instance_that_starts_refuses_until_it_is_healthy(site: Site, mode: str) -> None:
    settings, ways = MODES[mode]
    dataclasses.replace(site, everywhere=settings).deploy_twice()
    loaded = api.ssh(HOST, "podman load -q", stdin=api.image_archive("never-healthy"))
    assert loaded.returncode == 0, loaded.stderr
    before = ssh(HOST, f"podman inspect --format {ID} onetime-7043")
    ssh(HOST, "podman tag localhost/onetime-lab:1 localhost/well:1")
    ssh(HOST, "podman tag localhost/onetime-lab:never-healthy localhost/onetime-lab:1")
    ssh(HOST, f"systemctl restart --no-block {UNIT}")
    app_port = 7043 if mode == "host" else 3000
    answers = f"wget -q -O /dev/null http://127.0.0.1:{app_port}/whoami"
    wait_until(
        HOST,
        f"[ {before} != $(podman inspect --format {ID} onetime-7043) ] && "
        f"podman exec onetime-7043 {answers}",
    )
    # It answers inside, and is not healthy.
    assert {way: ask(*way) for way in ways.items()} == dict.fromkeys(ways.items(), REFUSED)
    ssh(HOST, "podman tag localhost/well:1 localhost/onetime-lab:1; podman rmi localhost/well:1")
    ssh(HOST, f"systemctl restart {UNIT}")
    assert {way: ask(*way) for way in ways.items()} == dict.fromkeys(ways.items(), 0)
    assert gates() == ""


def test_same_port_of_another_address_is_somebody_elses(site: Site) -> None:
    dataclasses.replace(site, everywhere={"publish_address": PRIVATE}).deploy_twice()
    ssh(HOST, "systemd-run --quiet --unit=mine tcpsvd -l mine 127.0.0.1 7043 echo mine")
    with request("maindb", PRIVATE):
        ssh(HOST, f"systemctl restart --no-block {UNIT}")
        wait_until(HOST, "nft list table inet onetime-gate-7043 >/dev/null 2>&1")
        assert ask("maindb", PRIVATE) == REFUSED
        assert ssh(HOST, "busybox nc -w 2 127.0.0.1 7043 </dev/null") == "mine"
    ssh(HOST, "systemctl stop mine")
    wait_until(HOST, f"systemctl is-active --quiet {UNIT}")


def test_request_without_end_is_given_up(site: Site) -> None:
    site.deploy_twice()
    with request("outside", PUBLIC):
        before = time.monotonic()
        ssh(HOST, f"systemctl restart {UNIT}")
        assert 9 < time.monotonic() - before < 25
    assert ask("outside", PUBLIC) == 0


def test_next_instance_stops_when_the_last_was_back_a_while(site: Site) -> None:
    site.deploy_twice()
    ssh(HOST, "systemctl restart onetime@7043 && systemctl restart onetime@7044")
    back = int(ssh(HOST, "systemctl show -P ActiveEnterTimestampMonotonic onetime@7043"))
    stopped = int(ssh(HOST, "systemctl show -P InactiveEnterTimestampMonotonic onetime@7044"))
    assert stopped - back > 2_000_000  # microseconds


@pytest.mark.parametrize(
    "blow",
    [
        f"kill -9 $(systemctl show -P MainPID {UNIT})",
        f"systemctl kill -s KILL {UNIT}",
        "podman kill onetime-7043",
        f"systemctl restart --no-block {UNIT}; "
        "until nft list table inet onetime-gate-7043 >/dev/null 2>&1; do :; done; "
        "nft flush ruleset; "
        f"until systemctl is-active -q {UNIT}; do sleep 0.1; done; "
        "podman network reload --all; systemctl restart onetime-host-network",
    ],
)
def test_no_gate_stays_closed(site: Site, blow: str) -> None:
    site.deploy_twice()
    before = ssh(HOST, f"podman inspect --format {ID} onetime-7043")
    ssh(HOST, blow)
    wait_until(
        HOST,
        f"[ {before} != $(podman inspect --format {ID} onetime-7043) ] && "
        f"systemctl is-active --quiet {UNIT}",
    )
    assert ask("outside", PUBLIC) == 0
    assert gates() == ""


def test_no_gate_is_closed_after_a_power_cut_in_a_restart(site: Site) -> None:
    site.deploy_twice()
    ssh(HOST, f"systemctl restart --no-block {UNIT}")
    wait_until(HOST, "nft list table inet onetime-gate-7043 >/dev/null 2>&1")
    api.reboot(HOST, hard=True)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}")
        assert page("outside", PUBLIC, port)["instance"]
    assert gates() == ""


def test_gate_that_nobody_opens_opens_by_itself(site: Site) -> None:
    """It would take three minutes; the kernel's own count of them has to do."""
    site.deploy_twice()
    ssh(HOST, "sh /etc/onetime/current/host/gate.sh close 7043")
    assert ask("outside", PUBLIC) == REFUSED
    assert "7043 timeout 3m expires 2m" in ssh(HOST, "nft list table inet onetime-gate-7043")
    ssh(HOST, "sh /etc/onetime/current/host/gate.sh open 7043")
    assert ask("outside", PUBLIC) == 0


@pytest.mark.parametrize("broken", ["rm $gate", "echo 'exit 1' >$gate", "echo nonsense >$gate"])
def test_broken_gate_keeps_no_instance_from_running(site: Site, broken: str) -> None:
    site.deploy_twice()
    before = started(HOST)["onetime-7043"]
    ssh(HOST, f"gate=/etc/onetime/current/host/gate.sh; {broken}; systemctl restart {UNIT}")
    assert started(HOST)["onetime-7043"] != before
    assert ask("outside", PUBLIC) == 0
    run = site.deploy()
    assert run.code == 0, run.output
    assert "drain" in ssh(HOST, "cat /etc/onetime/current/host/gate.sh")
