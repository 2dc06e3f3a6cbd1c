"""What only all hosts together can tell, and what each must be before anything is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

import pytest

from facts.installed import InstalledState
from plan.fleet import plan_fleet, probes
from plan.neighbours import claimable, claims
from plan.network.addresses import mac
from plan.observed import Observed
from tests.unit.observed import RANGE, address, settings
from tests.unit.planned import altered, as_planned, fresh, lines, observed, plan_one


def at(seen: Observed, own: str) -> Observed:
    """Return the same host with another private address."""
    private = address(own)
    addresses = (private, address("203.0.113.15"))
    return dataclasses.replace(seen, network=dataclasses.replace(seen.network, addresses=addresses))


def two(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Observed]:
    """Return two hosts of one subnet, with ranges of their own where the data says nothing."""
    other = {"container_range": "10.0.0.160/27"}
    return {
        "a": at(observed(**first), "10.0.0.11"),
        "b": at(observed(**(other | dict(second))), "10.0.0.12"),
    }


def test_good_hosts_share_no_address_and_no_mac() -> None:
    plans = plan_fleet(two({"shim": True}, {"shim": True}), {})
    used = [i.address for plan in plans.values() for i in plan.instances]
    used += [plan.mode.shim.address for plan in plans.values() if plan.mode.shim]
    assert len(used) == len(set(used)) == 6
    texts = [file.content for plan in plans.values() for file in plan.files]
    # Bridges are local to each host, and alike.
    options = [word for text in texts for word in text.split() if "=onetime.network:" in word]
    macs = [option.partition("mac=")[2] for option in options]
    assert len(macs) == len(set(macs)) == 4


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            {},
            {"container_range": "10.0.0.144/28"},
            "a: container_range: 10.0.0.128/27 overlaps with 10.0.0.144/28 of b. ",
        ),
        (
            {"shim": True, "shim_address": "10.0.0.165"},
            {},
            "a: shim_address: 10.0.0.165 is in the container_range of b. ",
        ),
        (
            # Port 7043 has place 7043 % 31 + 1 of 31 in 10.0.0.160/27.
            {"shim": True, "shim_address": "10.0.0.167"},
            {},
            "a: shim_address: 10.0.0.167 is instance 7043's on b. ",
        ),
        (
            {"shim": True, "shim_address": "10.0.0.50"},
            {"shim": True, "shim_address": "10.0.0.50"},
            "a: shim_address: 10.0.0.50 is the shim of b too. ",
        ),
        (
            {"shim": True, "shim_address": "10.0.0.12"},
            {},
            "a: shim_address: 10.0.0.12 is an address of b. ",
        ),
        (
            {"shim": True, "shim_address": "10.0.0.11"},
            {},
            "a: shim_address: 10.0.0.11 is the host's own address. ",
        ),
        (
            {"container_range": "10.0.0.12/30"},
            {},
            "a: container_range: 10.0.0.12/30 holds 10.0.0.12, an address of b. ",
        ),
        (
            {"container_range": "10.0.0.12/30", "shim": True},
            {},
            "a: container_range: 10.0.0.12/30 holds 10.0.0.12, an address of b. ",
        ),
    ],
)
def test_hosts_that_do_not_fit_together(
    first: dict[str, Any], second: dict[str, Any], expected: str
) -> None:
    (line,) = lines(two(first, second))
    assert line.startswith(expected)


def test_place_of_a_port_is_as_the_case_above_says() -> None:
    plan = plan_fleet(two({}, {}), {})["b"]
    assert plan.instances[0].address == address("10.0.0.160") + 1 + 7043 % 31


def test_hosts_on_known_different_subnets_never_meet() -> None:
    part = {"network_interface": "eth1", "container_range": "10.0.1.128/27"}
    b = observed("twocards", **part)
    assert lines({"a": observed(), "b": b}) == []
    # The subnet of a host that this run does not see is not known to be another one.
    (line,) = lines({"a": observed(), "b": b}, {"c": settings(**part)})
    assert line.startswith("b: container_range: 10.0.1.128/27 overlaps with 10.0.1.128/27 of c. ")


def test_hosts_left_alone_count_by_their_settings() -> None:
    there = {
        "z1": settings(container_range="10.0.0.128/28"),
        "z2": settings(shim=True, shim_address="10.0.0.129", container_range="10.0.0.192/28"),
        "z3": settings(network_mode="host", **RANGE),
    }
    found = lines({"a": observed()}, there)
    assert [line.split(". ")[0] for line in found] == [
        "a: container_range: 10.0.0.128/27 overlaps with 10.0.0.128/28 of z1",
        "z2: shim_address: 10.0.0.129 is in the container_range of a",
        "z2: shim_address: 10.0.0.129 is in the container_range of z1",
    ]


def test_problems_of_all_hosts_come_at_once() -> None:
    hosts = two({"db_address": "host-gateway"}, {"container_range": "10.0.0.128/27"})
    hosts["c"] = observed("cloud", container_range="10.0.0.192/27")
    hosts["d"] = observed("nocard", container_range="10.0.0.224/27")
    assert {line.split(". ")[0].split(": ")[0] for line in lines(hosts)} == {"a", "c", "d"}
    assert sum("overlaps" in line for line in lines(hosts)) == 1


def test_instance_that_came_up_after_podman_was_asked_is_no_stranger() -> None:
    host = observed(shim=True)
    deployed = as_planned(plan_one(host))
    own = plan_one(host).mode.addresses[7043]
    path = "quadlet/onetime@7043.container.d/address.conf"
    drop_ins = {path: f"Network=onetime.network:ip={own}\n"}
    containers = {"onetime-7044": deployed.podman.containers["onetime-7044"]}
    state = altered(deployed, drop_ins=drop_ins, containers=containers)

    def told(answer: str, installed: InstalledState = state) -> list[str]:
        seen = dataclasses.replace(host, installed=installed, answering={own: answer})
        return [line for line in lines({"a": seen}) if "is answered by" in line]

    assert told(mac(own)) == []
    assert told("52:54:00:12:34:56") != []
    # Without a shim the host cannot hear its own: whoever answers is another.
    assert told(mac(own), altered(state, shim=None)) != []


def test_answerer_for_an_address_is_named() -> None:
    (planned,) = {i.address for i in plan_one(observed(instances=[7043])).instances}
    assert planned is not None
    answers = {planned: "02:00:00:00:00:99", IPv4Address("10.0.0.77"): "02:00:00:00:00:77"}
    seen = observed(instances=[7043])
    seen = dataclasses.replace(seen, answering=answers)
    (line,) = lines({"a": seen})
    assert f"{planned}, meant for instance 7043, is answered by 02:00:00:00:00:99 on" in line

    # Where the inventory knows who that is, it says so; a host's own address is told once.
    other = observed("plain", container_range="10.0.0.160/27")
    text = f"Network=onetime.network:ip={planned},mac=02:00:00:00:00:99\n"
    drop_in = {"quadlet/onetime@7049.container.d/address.conf": text}
    moving = dataclasses.replace(other, installed=altered(fresh(), drop_ins=drop_in))
    (line,) = lines({"a": seen, "b": moving})
    assert "answered by 02:00:00:00:00:99 (instance 7049 of b) on the LAN" in line
    (line,) = lines({"a": seen, "b": at(other, str(planned))})
    assert line.startswith(f"a: container_range: 10.0.0.128/27 holds {planned}, an address of b")


def test_addresses_asked_for_are_those_that_do_not_run_yet() -> None:
    seen = observed(shim=True)
    running = as_planned(plan_one(seen))
    assert probes(dataclasses.replace(seen, installed=running)) == ()
    stopped = dataclasses.replace(running.podman.containers["onetime-7044"], running=False)
    one_down = {**running.podman.containers, "onetime-7044": stopped}
    partly = altered(running, containers=one_down)
    assert len(probes(dataclasses.replace(seen, installed=partly))) == 1
    moved = observed(shim=True, shim_address="10.0.0.50")
    assert probes(dataclasses.replace(moved, installed=running)) == (address("10.0.0.50"),)
    assert probes(observed(container_range="0.0.0.0/0")) == ()
    assert probes(observed("cloud")) == ()
    assert probes(observed(network_mode="routed")) == ()


def test_edited_drop_in_gives_nobody_a_taken_address() -> None:
    path = "quadlet/onetime@{}.container.d/address.conf"
    for text in (
        "Network=onetime.network:ip=999.1,mac=x\n",
        "Network=onetime.network:ip=10.0.0.140\n",
    ):
        entries = {path.format(port): text for port in (7043, 7044)} | {"quadlet/x.conf": text}
        installed = altered(fresh(), drop_ins=entries)
        plan = plan_one(dataclasses.replace(observed(), installed=installed))
        assert len({one.address for one in plan.instances}) == 2


def test_claim_of_a_live_address_is_told() -> None:
    plan = plan_one(observed(shim=True))
    first, second = claimable(plan)
    assert list(claims(plan, {})) == []
    own = {instance: mac(instance) for instance in (first, second)}
    assert list(claims(plan, own)) == []
    (sentence,) = claims(plan, own | {second: "52:54:00:12:34:56"})
    assert sentence.startswith(f"{second}, instance 7044's, is answered by 52:54:00:12:34:56")


def test_nobody_can_claim_what_is_on_the_hosts_own_mac() -> None:
    assert claimable(plan_one(observed(network_mode="ipvlan", shim=True))) == ()
    assert claimable(plan_one(observed(network_mode="routed"))) == ()
    routed = plan_one(observed(network_mode="routed"))
    assert list(claims(routed, {address("10.0.0.9"): "52:54:00:12:34:56"})) == []
    assert len(claimable(plan_one(observed(network_mode="ipvlan")))) == 2
