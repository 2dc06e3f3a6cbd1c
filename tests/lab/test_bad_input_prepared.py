"""Hosts that somebody has been at: what stands in the way is named, and left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Site, ssh
from tests.lab.refusals import RANGE, Problem, refused

HOST, NEIGHBOUR = "plain14", "plain15"

# networkd gives the card its address again.
CARD_UP = (
    "ip link set eth1 up; "
    "timeout 20 sh -c 'until ip -4 route show 10.0.0.0/24 | grep -q eth1; do sleep 0.1; done'"
)

# What was done to the host, and how it is undone; data; the problem's word and what was seen.
CASES: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "port in use": (
        "systemd-run -q --unit squatter --socket-property ListenStream=7044 true",
        "systemctl stop squatter.socket",
        {},
        "instances",
        "something else listens on port 7044 already (::)",
    ),
    "port in use on one address": (
        "systemd-run -q --unit squatter --socket-property ListenStream=127.0.0.1:7044 true",
        "systemctl stop squatter.socket",
        {},
        "instances",
        "something else listens on port 7044 already (127.0.0.1)",
    ),
    "port in use by an IPv6 socket": (
        "systemd-run -q --unit squatter "
        "--socket-property ListenStream=[::ffff:10.0.0.24]:7044 true",
        "systemctl stop squatter.socket",
        {"publish_address": "10.0.0.24"},
        "instances",
        "something else listens on port 7044 already (10.0.0.24)",
    ),
    "the recipe's network file": (
        "mkdir -p /etc/containers/systemd; touch /etc/containers/systemd/onetime.network",
        "rm /etc/containers/systemd/onetime.network",
        {},
        "unit files",
        "this deploy did not make /etc/containers/systemd/onetime.network",
    ),
    "a unit of that name": (
        "touch /etc/systemd/system/onetime@.service",
        "rm /etc/systemd/system/onetime@.service",
        {},
        "unit files",
        "this deploy did not make /etc/systemd/system/onetime@.service",
    ),
    "a container of that name": (
        "podman create -q --name onetime-7043 --rootfs / true",
        "podman rm -f onetime-7043",
        {},
        "podman",
        "this deploy did not make the container onetime-7043",
    ),
    "a network of that name": (
        "podman network create onetime-publish",
        "podman network rm onetime-publish",
        {},
        "podman",
        "this deploy did not make the Podman network onetime-publish",
    ),
    "a network on the bridge's subnet": (
        "podman network create --subnet 10.89.43.0/25 mine",
        "podman network rm mine",
        {},
        "publish_subnet",
        "10.89.43.0/24 overlaps with the Podman network mine",
    ),
    "a route to the bridge's subnet": (
        "ip route add 10.89.0.0/16 via 203.0.113.1",
        "ip route del 10.89.0.0/16",
        {},
        "publish_subnet",
        "10.89.43.0/24 overlaps with the route 10.89.0.0/16 over eth0",
    ),
    "a route that contradicts": (
        "ip route add 10.0.0.112/28 via 203.0.113.1",
        "ip route del 10.0.0.112/28",
        {},
        "network_subnet",
        "eth1 is to carry 10.0.0.0/24, but the host routes 10.0.0.112/28 over eth0",
    ),
    "the card is down": (
        "ip link set eth1 down",
        CARD_UP,
        {},
        "network_interface",
        "the host has 203.0.113.24 on eth0, eth1 (down)",
    ),
    "the named card is down": (
        "ip link set eth1 down",
        CARD_UP,
        {"network_interface": "eth1"},
        "network_interface",
        "eth1 is down. Bring it up: ip link set eth1 up.",
    ),
    "a second address in the range": (
        "ip address add 10.0.0.126/24 dev eth1",
        "ip address del 10.0.0.126/24 dev eth1",
        {},
        "container_range",
        f"{RANGE} holds 10.0.0.126, the host's own address",
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST, NEIGHBOUR)
    site.everywhere = {"container_range": RANGE}
    return Site(site.directory, [HOST], site.everywhere)


@contextmanager
def done(host: str, command: str, undo: str) -> Iterator[None]:
    ssh(host, command)
    try:
        yield
    finally:
        ssh(host, undo)


@pytest.mark.parametrize("case", CASES)
def test_what_stands_in_the_way_is_named(site: Site, case: str) -> None:
    command, undo, data, key, seen = CASES[case]
    with done(HOST, command, undo):
        refused(site, Problem(HOST, key, seen), **data)


def test_address_that_the_lan_uses_is_not_taken(site: Site) -> None:
    """Every place of the range but the first; the neighbour is in no inventory of ours."""
    places = " ".join(f"10.0.0.{last}" for last in range(121, 128))
    add = f"for a in {places}; do ip address add $a/32 dev eth1; done"
    mac = ssh(NEIGHBOUR, "cat /sys/class/net/eth1/address")
    with done(NEIGHBOUR, add, add.replace(" add ", " del ")):
        seen = f"meant for instance 7043, is answered by {mac} on the LAN"
        refused(site, Problem(HOST, "container_range", seen), instances=[7043])


def test_shim_that_the_lan_uses_is_not_taken(site: Site) -> None:
    add = "ip address add 10.0.0.100/32 dev eth1"
    with done(NEIGHBOUR, add, add.replace(" add ", " del ")):
        problem = Problem(HOST, "shim_address", "10.0.0.100, meant for the shim, is answered by")
        refused(site, problem, shim=True, shim_address="10.0.0.100")


def test_two_things_on_one_port_are_told_apart(site: Site) -> None:
    """Another address of the host is no reason to refuse: the port is free where it is wanted."""
    listen = "systemd-run -q --unit squatter --socket-property ListenStream=127.0.0.1:7044 true"
    with done(HOST, listen, "systemctl stop squatter.socket"):
        private = Site(
            site.directory, site.hosts, {**site.everywhere, "publish_address": "10.0.0.24"}
        )
        run = private.pyinfra("deploy.py", "--dry")
        assert run.code == 2, run.output


def test_host_is_fine_without_all_that(site: Site) -> None:
    """Nothing above was refused for another reason than its own."""
    assert site.pyinfra("deploy.py", "--dry").code == 2
