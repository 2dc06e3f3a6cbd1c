"""The mode wireguard: what its settings must be."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from plan.observed import Observed
from tests.unit.planned import altered
from tests.unit.test_settings import problems
from tests.unit.tunnels import (
    IMAGES,
    KEYS,
    PEER,
    PUBLIC,
    WIREGUARD,
    host,
    key,
    peer,
    refused,
    words,
)


@pytest.mark.parametrize(
    ("value", "place", "advice"),
    [
        ({}, "image is missing", "docs/settings.md"),
        (words(image="A b"), "image cannot", "an image reference"),
        (words(peers=[]), "peers cannot", "one entry at least"),
        (words(peers=[{"public_key": PUBLIC}]), "peers[0].endpoint is missing", "docs/settings.md"),
        (peer(public_key=PUBLIC[1:]), "peers[0].public_key", "32 bytes in base64"),
        (peer(public_key=PUBLIC + "\n"), "peers[0].public_key", "32 bytes in base64"),
        (peer(endpoint="vpn.example"), "peers[0].endpoint", "a colon, and a port"),
        (peer(endpoint="vpn.example:0"), "peers[0].endpoint", "a colon, and a port"),
        (peer(endpoint="10.0.0.300:51820"), "peers[0].endpoint", "a colon, and a port"),
        (peer(endpoint="-v:51820"), "peers[0].endpoint", "a colon, and a port"),
        (peer(endpoint="$(id):51820"), "peers[0].endpoint", "a colon, and a port"),
        (peer(preshared_key=key(9)), "peers[0].preshared_key", "or command:"),
        (peer(preshared_key=7), "peers[0].preshared_key", "or command:"),
        (peer(allowed_ips=[]), "peers[0].allowed_ips", "one entry at least"),
        (peer(allowed_ips=[7]), "peers[0].allowed_ips[0]", "an IPv4 network"),
        (peer(allowed_ips=["10.0.0.1/8"]), "peers[0].allowed_ips[0]", "an IPv4 network"),
        (peer(allowed_ips=["0.0.0.0/0"]), "peers[0].allowed_ips[0]", "an IPv4 network"),
        (peer(keepalive=0), "peers[0].keepalive", "seconds from 1 to"),
        (peer(keepalive=True), "peers[0].keepalive", "seconds from 1 to"),
        (peer(mtu=1400), "peers[0].mtu", "not permitted"),
        (words(instances={80: WIREGUARD["instances"][7043]}), "instances[80] ", "unprivileged"),
        (words(instances={7043: {"private_key": key(1), "address": "10.99.0.2/32"}}),
         "instances[7043].private_key", "or command:"),
        (words(instances={7043: {"private_key": "env:A", "address": key(1)}}),
         "instances[7043].address", "a single address"),
        (words(instances={7043: {"private_key": "env:A", "address": "10.99.0.0/24"}}),
         "instances[7043].address", "a single address"),
    ],
)  # fmt: skip
def test_bad_value_is_named_by_its_place_and_never_quoted(
    value: Any, place: str, advice: str
) -> None:
    lines = problems(wireguard=value)
    assert lines
    assert len(lines) == len(set(lines))
    assert lines[0].startswith(f"web1: wireguard: {place}")
    assert advice in lines[0]
    assert key(1)[:10] not in str(lines)
    assert key(9)[:10] not in str(lines)


def test_key_in_the_wrong_place_is_not_quoted() -> None:
    (line,) = problems(wireguard=words(**{key(1): "x"}))
    assert key(1)[:10] not in line


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (host(None), "h0: wireguard: none was given. "),
        (host(db_address=None), "h0: db_address: none was given. "),
        (host(db_address="host-gateway"), "h0: db_address: host-gateway was given. "),
        (host(instances=[7043, 7045]), "h0: wireguard: instances has no entry for 7045. "),
        (host(keys=KEYS | {"wireguard-7044": "hunter2"}),
         "h0: wireguard: what file:/keys/2 holds is no key. "),
        (host(keys=dict.fromkeys(KEYS, key(1))),
         "h0: wireguard: 2 instances have the same private key. "),
        (host(words(instances=dict.fromkeys((7043, 7044), WIREGUARD["instances"][7043]))),
         "h0: wireguard: 10.99.0.2/32 is the address of 2 instances. "),
        (host(peer(allowed_ips=["10.78.0.0/24"])),
         "h0: wireguard: 10.77.0.10, the database, is in no peer's allowed_ips. "),
        (host(peer(allowed_ips=["10.77.0.0/24", "203.0.113.0/24"])),
         "h0: wireguard: the endpoint of peers[0] would be behind peers[0] itself. "),
        (host(peer(allowed_ips=["10.0.0.0/8"])),
         "h0: wireguard: 10.0.0.0/8 behind peers[0] overlaps with publish_subnet 10.89.43.0/24. "),
        (host(words(peers=[PEER, PEER | {"allowed_ips": ["10.78.0.0/24"]}])),
         "h0: wireguard: peers[0] and peers[1] have the same public_key. "),
        (host(words(peers=[PEER, PEER | {"public_key": key(254)}])),
         "h0: wireguard: 10.77.0.10/32 is behind peers[0] and peers[1]. "),
        (host(drivers=("macvlan", "ipvlan")),
         "h0: network_mode: the kernel cannot make wireguard or tun links. Install the kernel's "
         "module, or use one of the modes that would work here: macvlan, ipvlan, routed, direct, "
         "host."),
        (host(words(image="localhost/wg:1"), shim=False),
         "h0: wireguard: the host does not have localhost/wg:1, which cannot be pulled. "),
    ],
)  # fmt: skip
def test_tunnels_that_cannot_work_are_refused_in_one_line(seen: Observed, expected: str) -> None:
    if "localhost" in expected:
        lost = altered(seen.installed, images=dict([next(iter(IMAGES.items()))]))
        seen = dataclasses.replace(seen, installed=lost)
    (line,) = refused(seen)
    assert line.startswith(expected)
    assert "hunter2" not in line


def test_two_hosts_share_neither_an_address_nor_a_key() -> None:
    other = {"wireguard-7043": key(1), "wireguard-7044": key(4)}
    advice = ". Give each instance, on any host, a key and an address of its own."
    assert refused(host(), host(keys=other)) == [
        f"h0: wireguard: {what} of h1 too{advice}"
        for what in (
            "10.99.0.2/32 is the address of instance 7043",
            "the private key of instance 7043 is that of instance 7043",
            "10.99.0.3/32 is the address of instance 7044",
        )
    ]


def test_hosts_of_different_peers_may_have_the_same_addresses() -> None:
    assert not refused(host(), host(peer(public_key=key(254))))
