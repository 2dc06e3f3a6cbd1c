"""Their networks and ports become words of the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.foreign import ENVIRONMENT, adopted, container, network, recipe

SHIM = [
    {
        "ifname": "macvlan0",
        "link": "eth1",
        "flags": ["UP"],
        "linkinfo": {"info_kind": "macvlan"},
        "addr_info": [{"family": "inet", "local": "10.0.0.254", "prefixlen": 32}],
    }
]


def test_network_without_range_asks_for_one(tmp_path: Path) -> None:
    state = recipe(
        tmp_path,
        {"IPRange=10.0.0.192/28\n": ""},
        containers=[
            container(
                "systemd-onetime_7043", networks={"systemd-onetime": {"IPAddress": "10.0.0.2"}}
            ),
            container("other", image="x:1", networks={"podman": {"IPAddress": "10.88.0.2"}}),
        ],
        networks=[network("systemd-onetime"), network("podman", "bridge")],
    )
    adoption = adopted(state)
    assert "container_range" not in adoption.words
    (note,) = adoption.notes["container_range"]
    assert "(10.0.0.2)" in note
    assert "Choose a range of 10.0.0.0/24" in note


def test_live_network_tells_what_its_file_does_not(tmp_path: Path) -> None:
    leases = {"start_ip": "10.0.0.193", "end_ip": "10.0.0.207"}
    subnet = {"subnet": "10.0.0.0/24", "gateway": "10.0.0.1", "lease_range": leases}
    live = network("lan", "ipvlan", subnets=[{"subnet": "fd00::/64"}, subnet])
    state = recipe(tmp_path, {"Network=onetime.network": "Network=lan"}, networks=[live])
    words = adopted(state).words
    assert words["network_mode"] == "ipvlan"
    assert words["network_interface"] == "eth1"
    assert words["network_subnet"] == "10.0.0.0/24"
    assert words["network_gateway"] == "10.0.0.1"
    assert words["container_range"] == "10.0.0.192/28"


def test_live_network_without_subnet_leaves_it_to_the_detection(tmp_path: Path) -> None:
    live = {"name": "lan", "driver": "macvlan"}
    altered = {"Network=onetime.network": "Network=lan"}
    adoption = adopted(recipe(tmp_path, altered, networks=[live]))
    assert adoption.words["network_mode"] == "macvlan"
    assert not adoption.words.keys() & {"network_interface", "network_subnet", "network_gateway"}
    assert "none now" in str(adoption.notes["container_range"])
    assert "the private subnet" in str(adoption.notes["container_range"])


def test_the_deploys_own_network_is_nobody_elses(tmp_path: Path) -> None:
    own = network("onetime", labels={"onetime.config": "abc"})
    adoption = adopted(recipe(tmp_path, {"onetime.network": "onetime"}, networks=[own]))
    assert "the network onetime is not there" in adoption.notes["network_mode"]


@pytest.mark.parametrize("name", ["Network=bridge", "", "Network=pasta:-t,auto"])
def test_bridges_become_direct(tmp_path: Path, name: str) -> None:
    adoption = adopted(recipe(tmp_path, {"Network=onetime.network": name}))
    assert adoption.words["network_mode"] == "direct"
    assert "routed" in str(adoption.notes["network_mode"])


def test_bridge_of_a_file_becomes_direct(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path, {"Driver=macvlan\n": "", "Options=parent=eth1\n": ""}))
    assert adoption.words["network_mode"] == "direct"


@pytest.mark.parametrize("name", ["Network=container:wg", "Network=wg.container"])
def test_network_of_another_container_is_told(tmp_path: Path, name: str) -> None:
    adoption = adopted(recipe(tmp_path, {"Network=onetime.network": name}))
    assert "network_mode" not in adoption.words
    assert "wireguard" in str(adoption.notes["network_mode"])


def test_networks_options_may_be_one_list(tmp_path: Path) -> None:
    altered = {"Options=parent=eth1": "Options=mode=bridge,parent=eth2"}
    assert adopted(recipe(tmp_path, altered)).words["network_interface"] == "eth2"


def test_networks_drop_in_counts(tmp_path: Path) -> None:
    units = {"onetime.network.d/card.conf": "[Network]\nDriver=ipvlan\n"}
    assert adopted(recipe(tmp_path, units=units)).words["network_mode"] == "ipvlan"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, {"shim": True, "shim_address": "10.0.0.254"}),
        ({"addr_info": []}, {"shim": True}),
        (
            {"addr_info": [{"family": "inet", "local": "10.0.0.192", "prefixlen": 32}]},
            {"shim": True},
        ),
        ({"linkinfo": {"info_kind": "ipvlan"}}, {}),
    ],
)
def test_shim_is_taken_over(tmp_path: Path, fields: Any, words: Any) -> None:
    state = recipe(tmp_path, shim=json.dumps([SHIM[0] | fields]))
    found = adopted(state).words
    assert {word: found[word] for word in ("shim", "shim_address") if word in found} == words


def test_shim_without_a_range_keeps_its_address(tmp_path: Path) -> None:
    state = recipe(tmp_path, {"IPRange=10.0.0.192/28\n": ""}, shim=json.dumps(SHIM))
    assert adopted(state).words["shim_address"] == "10.0.0.254"


@pytest.mark.parametrize(
    ("text", "address", "note"),
    [
        ("PublishPort=10.0.0.11:%i:3000", "10.0.0.11", ""),
        ("PublishPort=127.0.0.1:%i:3000/tcp", "127.0.0.1", ""),
        ("PublishPort=0.0.0.0:%i:3000", None, ""),
        ("PublishPort=[::]:%i:3000", None, ""),
        ("PublishPort=9%i:9090\nPublishPort=%i:3000", None, ""),
        ("PodmanArgs=--publish %i:3000", None, ""),
        ("PublishPort=%i:3000\nPublishPort=5000-5010:3000", None, "5000-5010:3000 could not"),
        ("PublishPort=%i:3000\nPublishPort=9090:9090", None, "port 9090 is published, too"),
        ("PublishPort=[::1]:%i:3000", None, ""),
        ("PublishPort=%i:3000\nPublishPort=1-2:3\nPublishPort=1-2:3", None, "1-2:3 could not"),
    ],
)
def test_published_ports(tmp_path: Path, text: str, address: str | None, note: str) -> None:
    adoption = adopted(recipe(tmp_path, {"PublishPort=%i:3000": text}))
    assert adoption.words["instances"] == [7043, 7044]
    assert adoption.words["container_port"] == 3000
    assert adoption.words.get("publish_address") == address
    assert note in str(adoption.notes.get("instances"))


def test_port_that_the_app_is_given_tells_which_is_its_own(tmp_path: Path) -> None:
    altered = {"PublishPort=%i:3000": "PublishPort=9090:9090\nPublishPort=%i:8080"}
    environments = {"env-7043": f"{ENVIRONMENT}PORT=8080\n"}
    adoption = adopted(
        recipe(tmp_path, altered, environments=environments, active=["onetime@7043"])
    )
    assert adoption.words["instances"] == [7043]
    assert adoption.words["container_port"] == 8080


@pytest.mark.parametrize("member", ["web", "80"])
def test_instance_without_a_port_is_told(tmp_path: Path, member: str) -> None:
    altered = {"PublishPort=%i:3000\n": "" if member == "web" else "PublishPort=%i:3000\n"}
    adoption = adopted(recipe(tmp_path, altered, active=[f"onetime@{member}"]))
    assert adoption.words == {}
    assert f"onetime@{member}: its port could not be told" in adoption.notes["instances"]


def test_host_network_without_a_port_is_told(tmp_path: Path) -> None:
    altered = {"Network=onetime.network": "Network=host"}
    adoption = adopted(recipe(tmp_path, altered, active=["onetime@web"]))
    assert "onetime@web: its port could not be told" in adoption.notes["instances"]
