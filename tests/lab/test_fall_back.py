"""A release whose instances do not become healthy gives way to the one before."""

from __future__ import annotations

import dataclasses

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, page, ssh, started

HOST = "plain4"
BROKEN = {
    "image": "localhost/onetime-lab:exits",
    "image_archive": str(api.image_archive("exits")),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"network_mode": "routed"},
        {"publish_subnet": "10.89.77.0/24", "shim": True, "instances": [7044, 7045]},
    ],
    ids=["image", "mode", "networks and list"],
)
def test_release_before_serves_again(site: Site, change: dict[str, object]) -> None:
    release = ssh(HOST, "readlink /etc/onetime/current")
    run = dataclasses.replace(site, everywhere={**BROKEN, **change}).deploy()
    assert run.code != 0
    assert "did not become healthy" in run.output
    assert "refusing to start" in run.output
    assert f"going back to release {release.removeprefix('releases/')}" in run.output
    assert ssh(HOST, "readlink /etc/onetime/current") == release
    assert page("outside", "203.0.113.14", 7043)["version"] == "1"
    check_paths(site.hosts)
    assert "macvlan0" not in ssh(HOST, "ip -brief link")
    # Nothing is left to repair.
    assert site.deploy().changed == 0


def test_instances_that_the_failure_did_not_reach_keep_running(site: Site) -> None:
    before = started(HOST)
    assert dataclasses.replace(site, everywhere=BROKEN).deploy().code != 0
    assert started(HOST)["onetime-7044"] == before["onetime-7044"]
