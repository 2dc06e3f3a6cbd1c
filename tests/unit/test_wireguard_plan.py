"""The mode wireguard: what a host gets, and when its instances restart."""

from __future__ import annotations

import dataclasses
import re

import pytest

from facts.paths import PathAnswer
from facts.podman import Container
from plan.compare.changes import compare
from plan.compare.verdicts import failures, question
from plan.observed import Observed
from tests.unit.planned import altered, as_planned, plan_one
from tests.unit.tunnels import IMAGES, KEYS, WIREGUARD, host, key, peer, refused, text, words


def test_sidecar_has_port_name_and_key_and_the_app_its_network() -> None:
    plan = plan_one(host())
    sidecar, app = (text(plan, f"quadlet/{name}@.container") for name in ("onetime-wg", "onetime"))
    assert "Annotation=onetime.guard=%i\n" in sidecar
    assert "Network=onetime-publish.network:ip=10.89.43." in text(
        plan, "quadlet/onetime-wg@7044.container.d/address.conf"
    )
    assert "AddHost=maindb:10.77.0.10\n" in sidecar
    assert "Network=container:onetime-wg-%i\n" in app
    assert "BindsTo=onetime-wg@%i.service\n" in app
    assert "Wants=onetime@%i.service\n" in sidecar
    assert "PartOf=" not in re.sub(r"#.*", "", sidecar)
    assert not re.search(r"Annotation=|AddHost|Secret=", app)
    drop_in = text(plan, "quadlet/onetime-wg@7044.container.d/tunnel.conf")
    assert "Environment=TUNNEL_ADDRESS=10.99.0.3/32\n" in drop_in
    assert "Secret=onetime-wireguard-7044-1,type=mount,target=private-key,mode=0400\n" in drop_in
    for file in plan.files:
        assert key(1) not in file.content
        assert key(2) not in file.content


def test_tunnel_leads_to_the_database_unless_more_is_asked_for() -> None:
    assert " 10.77.0.10/32 - " in text(plan_one(host()), "host/peers")
    more = plan_one(host(peer(allowed_ips=["10.77.0.0/24", "10.78.0.0/16"])))
    assert " 10.77.0.0/24,10.78.0.0/16 - " in text(more, "host/peers")


def test_kernel_makes_the_tunnel_where_it_can() -> None:
    kernel, userspace = (
        plan_one(host(drivers=drivers)) for drivers in (("wireguard", "tun"), ("tun",))
    )
    assert "USERSPACE=0\n" in text(kernel, "host/tunnel")
    assert "AddDevice" not in text(kernel, "quadlet/onetime-wg@.container")
    assert "USERSPACE=1\n" in text(userspace, "host/tunnel")
    assert "AddDevice=/dev/net/tun\n" in text(userspace, "quadlet/onetime-wg@.container")


def test_preshared_key_is_a_secret_of_the_sidecars() -> None:
    keys = KEYS | {"wireguard-peer-0": key(9)}
    plan = plan_one(host(peer(preshared_key="env:PSK"), keys=keys))
    assert " preshared-key-0 " in text(plan, "host/peers")
    line = "Secret=onetime-wireguard-peer-0-1,type=mount,target=preshared-key-0,mode=0400\n"
    assert line in text(plan, "quadlet/onetime-wg@.container")


def test_host_as_planned_needs_nothing() -> None:
    seen = host()
    plan = plan_one(seen)
    live = altered(as_planned(plan), images=IMAGES)
    assert not compare(plan, live).any


@pytest.mark.parametrize("lost", ["onetime-7043", "onetime-wg-7043"])
def test_instance_starts_if_either_container_is_gone(lost: str) -> None:
    plan = plan_one(host())
    live = as_planned(plan)
    containers = {name: one for name, one in live.podman.containers.items() if name != lost}
    changes = compare(plan, altered(live, containers=containers))
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
def test_tunnels_own_words_restart_its_instance_alone(seen: Observed) -> None:
    live = as_planned(plan_one(host()))
    live = altered(live, images=IMAGES, kernel_links=frozenset({"tun"}))
    changes = compare(plan_one(dataclasses.replace(seen, installed=live)), live)
    assert changes.restart == (7043,)


def test_common_words_of_tunnels_restart_all() -> None:
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


def test_container_of_somebody_elses_is_not_taken_over() -> None:
    strange = {"onetime-wg-7043": Container("onetime-wg-7043", True, None)}
    seen = host()
    seen = dataclasses.replace(seen, installed=altered(seen.installed, containers=strange))
    (line,) = refused(seen)
    assert "did not make the container onetime-wg-7043" in line


@pytest.mark.parametrize("answer", ["timeout", "bash: connect: No route to host"])
def test_silent_database_is_looked_for_in_the_tunnel(answer: str) -> None:
    (line,) = failures("h", question(plan_one(host())), [PathAnswer(7043, "database", answer)])
    assert "Likely cause: the tunnel, or what is behind it: podman exec onetime-wg-7043" in line
