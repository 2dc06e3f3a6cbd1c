"""The mode wireguard: what its settings must be, and what a host gets."""

from __future__ import annotations

import base64
import copy
import dataclasses
import re
from typing import Any

import pytest

from facts.paths import PathAnswer
from facts.podman import Container
from plan.changes import compare
from plan.fleet import Observed
from plan.model import HostPlan
from plan.verdicts import failures
from tests.unit.observed import network, settings
from tests.unit.planned import STARTED, as_planned, fresh, plan_one, refusals
from tests.unit.test_settings import problems


def key(number: int) -> str:
    return base64.b64encode(bytes([number] * 32)).decode()


PUBLIC = key(255)
PEER = {"public_key": PUBLIC, "endpoint": "203.0.113.2:51820"}
WIREGUARD: dict[str, Any] = {
    "image": "registry.example/wireguard:1",
    "peers": [PEER],
    "instances": {
        7043: {"private_key": "env:WG_1", "address": "10.99.0.2/32"},
        7044: {"private_key": "file:/keys/2", "address": "10.99.0.3/32"},
    },
}
KEYS = {"wireguard-7043": key(1), "wireguard-7044": key(2)}


def words(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(WIREGUARD) | changed


def peer(**changed: Any) -> dict[str, Any]:
    return words(peers=[PEER | changed])


def host(
    wireguard: Any = WIREGUARD,
    *,
    keys: dict[str, str] | None = None,
    drivers: tuple[str, ...] = ("tun",),
    **data: Any,
) -> Observed:
    """Return a host that is to be in the mode, with nothing on it yet."""
    behind = {"network_mode": "wireguard", "db_address": "10.77.0.10", "wireguard": wireguard}
    installed = dataclasses.replace(
        fresh(), drivers=frozenset(drivers), sidecar_image_id="sha256:2"
    )
    known = KEYS if keys is None else keys
    return Observed(settings(**(behind | data)), network("plain"), installed, known)


def text(plan: HostPlan, path: str) -> str:
    return plan.file(path).content


def refused(*hosts: Observed) -> list[str]:
    seen = {f"h{index}": one for index, one in enumerate(hosts)}
    return [str(problem) for problem in refusals(seen)]


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
        (peer(preshared_key=key(9)), "peers[0].preshared_key", "env:VARIABLE or file:/path"),
        (peer(allowed_ips=[]), "peers[0].allowed_ips", "one entry at least"),
        (peer(allowed_ips=["10.0.0.1/8"]), "peers[0].allowed_ips[0]", "an IPv4 network"),
        (peer(allowed_ips=["0.0.0.0/0"]), "peers[0].allowed_ips[0]", "an IPv4 network"),
        (peer(keepalive=0), "peers[0].keepalive", "seconds from 1 to"),
        (peer(keepalive=True), "peers[0].keepalive", "seconds from 1 to"),
        (peer(mtu=1400), "peers[0].mtu", "not permitted"),
        (words(instances={80: WIREGUARD["instances"][7043]}), "instances[80] ", "unprivileged"),
        (words(instances={7043: {"private_key": key(1), "address": "10.99.0.2/32"}}),
         "instances[7043].private_key", "env:VARIABLE or file:/path"),
        (words(instances={7043: {"private_key": "env:A", "address": key(1)}}),
         "instances[7043].address", "a single address"),
        (words(instances={7043: {"private_key": "env:A", "address": "10.99.0.0/24"}}),
         "instances[7043].address", "a single address"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_by_its_place_and_never_quoted(
    value: Any, place: str, advice: str
) -> None:
    lines = problems(wireguard=value)
    assert lines
    assert len(lines) == len(set(lines))
    assert lines[0].startswith(f"web1: wireguard: {place}")
    assert advice in lines[0]
    assert key(1)[:10] not in str(lines)
    assert key(9)[:10] not in str(lines)


def test_a_key_in_the_wrong_place_is_not_quoted() -> None:
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
def test_what_cannot_work_is_refused_in_one_line(seen: Observed, expected: str) -> None:
    if "localhost" in expected:
        lost = dataclasses.replace(seen.installed, sidecar_image_id=None)
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


def test_the_sidecar_has_the_port_the_name_and_the_key_and_the_app_has_its_network() -> None:
    plan = plan_one(host())
    sidecar, app = (text(plan, f"quadlet/{name}@.container") for name in ("onetime-wg", "onetime"))
    assert "PublishPort=%i:3000\n" in sidecar
    assert "AddHost=maindb:10.77.0.10\n" in sidecar
    assert "Network=container:onetime-wg-%i\n" in app
    assert "BindsTo=onetime-wg@%i.service\n" in app
    assert "Wants=onetime@%i.service\n" in sidecar
    assert "PartOf=" not in re.sub(r"#.*", "", sidecar)
    assert not re.search(r"PublishPort|AddHost|Secret=", app)
    drop_in = text(plan, "quadlet/onetime-wg@7044.container.d/tunnel.conf")
    assert "Environment=TUNNEL_ADDRESS=10.99.0.3/32\n" in drop_in
    assert "Secret=onetime-wireguard-7044-1,type=mount,target=private-key,mode=0400\n" in drop_in
    for file in plan.files:
        assert key(1) not in file.content
        assert key(2) not in file.content


def test_only_the_database_is_routed_into_the_tunnel_unless_more_is_asked_for() -> None:
    assert text(plan_one(host()), "wireguard.sh").count("ip route add") == 1
    assert "ip route add 10.77.0.10/32 dev" in text(plan_one(host()), "wireguard.sh")
    more = plan_one(host(peer(allowed_ips=["10.77.0.0/24", "10.78.0.0/16"])))
    assert "allowed-ips 10.77.0.0/24,10.78.0.0/16\n" in text(more, "wireguard.sh")
    assert "ip route add 10.78.0.0/16 dev" in text(more, "wireguard.sh")
    # Clients from there that use a published port are answered the way they came.
    assert "saddr { 10.77.0.0/24, 10.78.0.0/16 } ip daddr" in text(more, "rules.nft")


def test_the_kernel_makes_the_tunnel_where_it_can() -> None:
    kernel, userspace = (
        plan_one(host(drivers=drivers)) for drivers in (("wireguard", "tun"), ("tun",))
    )
    assert "type wireguard" in text(kernel, "wireguard.sh")
    assert "AddDevice" not in text(kernel, "quadlet/onetime-wg@.container")
    assert "wireguard-go" in text(userspace, "wireguard.sh")
    assert "AddDevice=/dev/net/tun\n" in text(userspace, "quadlet/onetime-wg@.container")


def test_a_preshared_key_is_a_secret_of_the_sidecars() -> None:
    keys = KEYS | {"wireguard-peer-0": key(9)}
    plan = plan_one(host(peer(preshared_key="env:PSK"), keys=keys))
    assert "preshared-key /run/secrets/preshared-key-0" in text(plan, "wireguard.sh")
    line = "Secret=onetime-wireguard-peer-0-1,type=mount,target=preshared-key-0,mode=0400\n"
    assert line in text(plan, "quadlet/onetime-wg@.container")


def test_a_host_as_planned_needs_nothing() -> None:
    seen = host()
    plan = plan_one(seen)
    live = dataclasses.replace(as_planned(plan), sidecar_image_id="sha256:2")
    assert not compare(plan, live).any


@pytest.mark.parametrize("lost", ["onetime-7043", "onetime-wg-7043"])
def test_without_either_of_the_two_the_instance_is_started(lost: str) -> None:
    plan = plan_one(host())
    live = as_planned(plan)
    containers = {name: one for name, one in live.containers.items() if name != lost}
    changes = compare(plan, dataclasses.replace(live, containers=containers))
    assert changes.restart == (7043,)
    assert changes.stop == changes.sidecars == ()


@pytest.mark.parametrize(
    "seen",
    [
        host(keys=KEYS | {"wireguard-7043": key(7)}),
        host(words(instances=WIREGUARD["instances"]
                   | {7043: {"private_key": "env:WG_1", "address": "10.99.0.9/32"}})),
    ],
)  # fmt: skip
def test_what_one_tunnel_alone_is_made_from_restarts_that_instance_alone(seen: Observed) -> None:
    live = as_planned(plan_one(host()))
    live = dataclasses.replace(live, sidecar_image_id="sha256:2", drivers=frozenset({"tun"}))
    changes = compare(plan_one(dataclasses.replace(seen, installed=live)), live)
    assert changes.restart == (7043,)


def test_what_all_tunnels_are_made_from_restarts_all() -> None:
    live = as_planned(plan_one(host()))
    for seen in (host(peer(keepalive=30)), host(drivers=("wireguard",))):
        assert compare(plan_one(seen), live).restart == (7043, 7044)


def test_sidecars_go_with_the_mode_and_with_the_port() -> None:
    live = as_planned(plan_one(host()))
    direct = plan_one(host(network_mode="direct"))
    assert compare(direct, live).sidecars == (7043, 7044)
    assert compare(direct, live).stop == ()
    fewer = compare(plan_one(host(instances=[7044])), live)
    assert (fewer.stop, fewer.sidecars) == ((7043,), (7043,))


def test_a_container_of_somebody_elses_is_not_taken_over() -> None:
    strange = {"onetime-wg-7043": Container("onetime-wg-7043", True, None, STARTED, 1)}
    seen = host()
    seen = dataclasses.replace(
        seen, installed=dataclasses.replace(seen.installed, containers=strange)
    )
    (line,) = refused(seen)
    assert "did not make the container onetime-wg-7043" in line


@pytest.mark.parametrize("answer", ["timeout", "bash: connect: No route to host"])
def test_a_database_that_does_not_answer_is_looked_for_in_the_tunnel(answer: str) -> None:
    (line,) = failures(plan_one(host()), [PathAnswer(7043, "database", answer)])
    assert "Likely cause: the tunnel, or what is behind it: podman exec onetime-wg-7043" in line
