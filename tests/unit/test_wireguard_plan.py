"""The mode wireguard: what a host gets, and when its instances restart."""

from __future__ import annotations

import dataclasses
import re

import pytest

from facts.paths import PathAnswer
from facts.podman import Container
from plan.changes import compare
from plan.fleet import Observed
from plan.verdicts import failures
from tests.unit.planned import STARTED, as_planned, plan_one
from tests.unit.tunnels import KEYS, WIREGUARD, host, key, peer, refused, text, words


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
