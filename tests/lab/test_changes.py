"""Each change of the inventory converges in one run, and restarts only what it concerns."""

from __future__ import annotations

import dataclasses
import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, in_container, page, ssh, started

HOSTS = ("plain4", "plain5")
ELSEWHERE = IPv4Network("10.0.0.192/28")


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(*HOSTS)
    site.deploy_twice()
    return site


def live(host: str, network: str) -> dict[str, Any]:
    networks: list[dict[str, Any]] = json.loads(ssh(host, f"podman network inspect {network}"))
    return networks[0]


def test_new_container_range_reaches_the_live_network(site: Site) -> None:
    other = started("plain5")
    moved = dataclasses.replace(site, by_host={"plain4": {"container_range": str(ELSEWHERE)}})
    moved.deploy_twice()
    subnet = live("plain4", "onetime")["subnets"][0]
    assert subnet["lease_range"] == {"start_ip": "10.0.0.193", "end_ip": "10.0.0.207"}
    for port in (7043, 7044):
        addresses = page("maindb", "10.0.0.14", port)["container"].split()
        assert [address for address in addresses if IPv4Address(address) in ELSEWHERE]
    assert started("plain5") == other
    check_paths(HOSTS)


def test_new_publish_subnet_reaches_the_live_network(site: Site) -> None:
    moved = dataclasses.replace(site, everywhere={"publish_subnet": "10.89.77.0/24"})
    moved.deploy_twice()
    for host in HOSTS:
        assert live(host, "onetime-publish")["subnets"][0]["subnet"] == "10.89.77.0/24"
        assert "10.89.43" not in ssh(host, "ip route; nft list ruleset")
    check_paths(HOSTS)


def test_changed_instance_list_leaves_the_others_running(site: Site) -> None:
    site.deploy_twice()
    kept = {host: started(host)["onetime-7044"] for host in HOSTS}
    address = in_container("plain4", 7044, "ip -4 -o address")
    changed = dataclasses.replace(site, everywhere={"instances": [7045, 7044]})
    changed.deploy_twice()
    for host in HOSTS:
        assert set(started(host)) == {"onetime-7044", "onetime-7045"}
        assert started(host)["onetime-7044"] == kept[host]
        left = ssh(host, "find /etc/onetime/current/ /run/systemd/generator -name '*7043*'")
        assert left == ""
        assert "7043" not in ssh(host, "ss -ltn; systemctl list-units --all 'onetime*'")
    assert in_container("plain4", 7044, "ip -4 -o address") == address
    check_paths(HOSTS, ports=(7044, 7045))


def test_changed_environment_restarts_all_and_reaches_the_app(site: Site) -> None:
    awkward = "a 'b' \"c\" $HOME %i #x = ä \\n"
    changed = dataclasses.replace(site, everywhere={"environment": {"ONETIME_TEST_X": awkward}})
    changed.deploy_twice()
    for host in HOSTS:
        for port in (7043, 7044):
            assert in_container(host, port, 'echo "$ONETIME_TEST_X"') == awkward
        assert ssh(host, "stat -Lc %a /etc/onetime/current/environment") == "600"


def test_secrets_reach_the_app_and_stay_secret(site: Site) -> None:
    value = "s3cret 'with' \"quotes\" $and %signs"
    changed = dataclasses.replace(site, everywhere={"secrets": {"ONETIME_KEY": "env:TEST_KEY"}})
    first = changed.deploy("--diff", "-vvv", env={"TEST_KEY": value})
    assert first.code == 0, first.output
    assert value not in first.output
    assert in_container("plain4", 7043, 'echo "$ONETIME_KEY"') == value
    before = started("plain4")
    again = changed.deploy(env={"TEST_KEY": value})
    assert again.changed == 0
    assert started("plain4") == before
    assert "s3cret" not in ssh("plain4", "grep -rs s3cret /etc/onetime /run/systemd /tmp || true")
    rotated = changed.deploy(env={"TEST_KEY": "other"})
    assert rotated.code == 0, rotated.output
    assert in_container("plain4", 7044, 'echo "$ONETIME_KEY"') == "other"
    # The release before knows the value that it was made with.
    assert site.pyinfra("rollback.py", "-y").code == 0
    assert in_container("plain4", 7044, 'echo "$ONETIME_KEY"') == value
    site.deploy_twice()
    assert in_container("plain4", 7044, 'echo "$ONETIME_KEY"') == ""


def test_given_address_is_the_databases_only_one(site: Site) -> None:
    ssh("plain4", "cp /etc/hosts /root/hosts; sed -i 's/.* maindb/10.0.0.99 maindb/' /etc/hosts")
    dataclasses.replace(site, everywhere={"db_address": "10.0.0.10"}).deploy_twice()
    for port in (7043, 7044):
        assert in_container("plain4", port, "grep maindb /etc/hosts").split()[0] == "10.0.0.10"
    check_paths(HOSTS)
    ssh("plain4", "cp /root/hosts /etc/hosts")


def test_image_is_used_if_it_is_there_and_else_loaded(site: Site) -> None:
    newer = {"image": "localhost/onetime-lab:2", "image_archive": str(api.image_archive("2"))}
    changed = dataclasses.replace(site, everywhere=newer)
    changed.deploy_twice()
    assert page("outside", "203.0.113.14", 7043)["version"] == "2"
    without = {"image": "localhost/onetime-lab:1", "image_archive": None}
    back = dataclasses.replace(site, everywhere=without)
    back.deploy_twice()
    assert page("outside", "203.0.113.14", 7043)["version"] == "1"


def test_image_that_cannot_be_had_ends_the_run_before_restarts(site: Site) -> None:
    site.deploy_twice()
    before = {host: started(host) for host in HOSTS}
    for wrong in (
        {"image": "203.0.113.1:5000/nobody/nothing:1", "image_archive": None},
        {"image": "localhost/another:1"},
    ):
        run = dataclasses.replace(site, everywhere=wrong).deploy()
        assert run.code != 0
        assert f"image {wrong['image']}: " in run.output
        assert {host: started(host) for host in HOSTS} == before
    assert site.deploy().changed == 0
