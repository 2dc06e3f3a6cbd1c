"""A container is private: who comes in, where it may go, and that it is so however it started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from lab import api
from tests.lab import scan
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, in_container, page, ssh, wait_until
from tests.lab.modes import in_mode

HOST = "plain12"
PRIVATE, PUBLIC = "10.0.0.22", "203.0.113.22"
MODES = [
    "macvlan",
    "routed",
    *(pytest.param(it, marks=pytest.mark.exhaustive) for it in ("direct", "wireguard", "host")),
]
GUARDED = "nsenter --net --target $(podman inspect --format '{{.State.Pid}}' onetime-7043) "


TIMED_OUT = 124


@contextmanager
def background(namespace: str, *argv: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program in one of the lab's namespaces meanwhile."""
    command = api.command_in(namespace, argv)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def lan_address(port: int) -> str:
    return ssh(
        HOST,
        "podman container inspect --format "
        f"'{{{{.NetworkSettings.Networks.onetime.IPAddress}}}}' onetime-{port}",
    )


def reaches(port: int, address: str, target: int) -> bool:
    """Tell whether an instance gets a connection there, from inside its container."""
    command = f"nc -w 2 {address} {target} </dev/null >/dev/null 2>&1 && echo yes || echo no"
    return in_container(HOST, port, command) == "yes"


@pytest.mark.parametrize("mode", MODES)
def test_app_sees_every_client_as_itself(site: Site, mode: str) -> None:
    in_mode(site, mode, shim=False).deploy_twice()
    check_paths(site.hosts)
    clients = {
        ("maindb", PRIVATE): "10.0.0.10",
        ("outside", PUBLIC): "203.0.113.1",
        (HOST, PRIVATE): PRIVATE,
        (HOST, "127.0.0.1"): "127.0.0.1" if mode == "host" else "10.89.43.1",
    }
    for (namespace, address), client in clients.items():
        assert page(namespace, address, PORTS[0])["client"] == client, (namespace, address)


@pytest.mark.parametrize("mode", ["macvlan", "routed"])
def test_container_reaches_no_other_one_and_no_port_of_the_host(site: Site, mode: str) -> None:
    in_mode(site, mode, shim=False).deploy_twice()
    bridge = ssh(
        HOST,
        "podman container inspect --format "
        "'{{(index .NetworkSettings.Networks \"onetime-publish\").IPAddress}}' onetime-7044",
    )
    others = [bridge, *([lan_address(7044)] if mode == "macvlan" else [])]
    for address in others:
        assert not reaches(7043, address, 3000)
    for address in ("10.89.43.1", PUBLIC):
        assert not reaches(7043, address, 22)
    assert reaches(7043, "10.0.0.10", 6379)
    assert in_container(HOST, 7043, "cat /proc/net/if_inet6") == ""


def test_neighbours_reach_containers_where_a_word_lets_them(site: Site) -> None:
    in_mode(site, "macvlan", shim=False).deploy_twice()
    running = ssh(HOST, "podman ps --no-trunc -q | sort")
    ask = ["curl", "-sS", "--fail", "--max-time", "2"]
    url = f"http://{lan_address(7043)}:3000/whoami"
    assert api.run_in("maindb", [*ask, url]).returncode != 0
    in_mode(site, "macvlan", shim=False, lan_clients=["10.0.0.10"]).deploy_twice()
    assert api.run_in("maindb", [*ask, url]).returncode == 0
    assert ssh(HOST, "podman ps --no-trunc -q | sort") == running


def test_services_alone_are_reached_where_nothing_else_may_be(site: Site) -> None:
    in_mode(site, "macvlan", shim=False, egress="services").deploy_twice()
    assert reaches(7043, "10.0.0.10", 6379)
    assert not reaches(7043, "198.51.100.10", 80)
    assert page("outside", PUBLIC, 7043)["client"] == "203.0.113.1"


@pytest.mark.parametrize(
    "start",
    [
        "podman restart onetime-7043",
        "podman kill onetime-7043",
        "systemctl restart onetime@7043",
        "podman network reload onetime-7043",
        "nft flush ruleset",
    ],
)
def test_guard_is_there_however_a_container_starts(site: Site, start: str) -> None:
    there = in_mode(site, "macvlan", shim=False)
    there.deploy_twice()
    url = f"http://{lan_address(7043)}:3000/whoami"
    # In a tight loop from before to after: one answer would be one moment without a guard.
    watcher = "echo begun; until curl -s --max-time 0.2 -o /dev/null $0; do :; done"
    with background("maindb", "timeout", "12", "bash", "-c", watcher, url) as probe:
        assert probe.stdout
        assert probe.stdout.readline() == "begun\n"
        ssh(HOST, start)
        assert probe.wait() == TIMED_OUT, "the container answered a neighbour"
    wait_until(HOST, "systemctl is-active --quiet onetime@7043", seconds=60)
    wait_until(HOST, f"{GUARDED} ip route show table 4300 | grep -q default", seconds=20)
    check_paths(there.hosts)


def open_ports(place: tuple[str, str]) -> set[int]:
    """Return the TCP ports of an address that answer in a namespace of the lab."""
    namespace, address = place
    done = api.run_in(namespace, [sys.executable, scan.__file__, address])
    assert done.returncode == 0, done.stderr
    return {int(port) for port in done.stdout.split()}


@pytest.mark.parametrize("mode", MODES)
def test_ports_that_answer_are_those_of_the_documentation(site: Site, mode: str) -> None:
    """As docs/security.md lists them."""
    in_mode(site, mode, shim=False).deploy_twice()
    places = [("outside", PUBLIC), ("maindb", PRIVATE)]
    if mode == "macvlan":
        places.append(("maindb", lan_address(7043)))
    with ThreadPoolExecutor() as pool:
        outside, lan, *container = pool.map(open_ports, places)
    assert outside == lan == {22, *PORTS}
    assert container in ([], [set()])


def test_ports_are_published_where_the_word_says(site: Site) -> None:
    run = in_mode(site, "macvlan", shim=False).deploy("--dry")
    assert f"public: {PUBLIC}:7043, {PUBLIC}:7044" in run.output
    there = in_mode(site, "macvlan", shim=False, publish_address="private")
    first = there.deploy_twice()
    assert f"public: {PUBLIC}" not in first.output
    assert open_ports(("outside", PUBLIC)) == {22}
    assert page("maindb", PRIVATE, 7043)["client"] == "10.0.0.10"


def test_app_has_no_privilege_and_writes_nothing_that_stays(site: Site) -> None:
    in_mode(site, "macvlan", shim=False).deploy_twice()
    status = in_container(HOST, 7043, "cat /proc/1/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines())
    assert {lines[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")
    written = "for d in / /app /tmp /run; do touch $d/x 2>/dev/null && echo $d; done; true"
    assert in_container(HOST, 7043, written).split() == ["/tmp", "/run"]
    opened: dict[str, Any] = {
        "capabilities": ["NET_RAW"],
        "new_privileges": True,
        "read_only": False,
    }
    in_mode(site, "macvlan", shim=False, **opened).deploy_twice()
    status = in_container(HOST, 7043, "cat /proc/1/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(lines["CapBnd"], 16) == 1 << 13
    assert lines["NoNewPrivs"] == "0"
    assert "/app" in in_container(HOST, 7043, written).split()
