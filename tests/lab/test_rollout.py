"""A bad release reaches one instance of one host, and the release before serves there again."""

from __future__ import annotations

import dataclasses
import re

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Run, Site, check_paths, page, snapshot, ssh, started

HOSTS = ("plain6", "plain7")
PUBLIC = {"plain6": "203.0.113.16", "plain7": "203.0.113.17"}


def image(tag: str) -> dict[str, object]:
    return {"image": f"localhost/onetime-lab:{tag}", "image_archive": str(api.image_archive(tag))}


# What is deployed, and what the operator is told of it.
BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "exits at once": (image("exits"), "refusing to start"),
    "never healthy": (image("never-healthy"), "did not become healthy"),
    "healthy, then dead": (image("dies"), "was healthy and did not stay up"),
    "cannot reach the database": (
        {**image("2"), "environment": {"DB_PORT": "6380"}},
        "did not become healthy",
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(*HOSTS)
    site.deploy_twice()
    return site


def order(run: Run) -> list[str]:
    """Return the hosts in the order in which they were switched over."""
    found = re.findall(r"\[(\w+)\] .*its turn", run.output)
    assert set(found) <= set(HOSTS)
    return found


@pytest.mark.parametrize("case", BROKEN)
def test_bad_release_stops_at_its_first_instance(site: Site, case: str) -> None:
    data, told = BROKEN[case]
    before = {host: started(host) for host in HOSTS}
    releases = {host: ssh(host, "readlink /etc/onetime/current") for host in HOSTS}
    run = dataclasses.replace(site, everywhere=data).deploy()
    assert run.code != 0
    assert told in run.output
    (bad,) = order(run)
    (untouched,) = set(HOSTS) - {bad}
    assert f"[{untouched}] skipped, since {bad} failed" in run.output
    assert "going back to release" in run.output
    assert started(untouched) == before[untouched]
    assert started(bad)["onetime-7044"] == before[bad]["onetime-7044"]
    assert {host: ssh(host, "readlink /etc/onetime/current") for host in HOSTS} == releases
    for host in HOSTS:
        assert page("outside", PUBLIC[host], 7043)["version"] == "1"
    check_paths(HOSTS)
    assert site.deploy().changed == 0


def test_hosts_take_turns_after_every_image_is_there(site: Site) -> None:
    run = dataclasses.replace(site, everywhere=image("2")).deploy()
    assert run.code == 0, run.output
    assert len(order(run)) == len(HOSTS)
    assert run.output.index("operation: Image | Have the image") < run.output.index(
        "operation: Switch"
    )
    ends = {}
    for host in HOSTS:
        times = sorted(started(host).values())
        ends[times[0]] = times[-1]
    (_, first_ends), (second_begins, _) = sorted(ends.items())
    assert first_ends < second_begins
    site.deploy_twice()


def test_with_a_rollout_of_two_both_hosts_change_at_once(site: Site) -> None:
    changed = {"environment": {"ONETIME_TEST_A": "1"}, "rollout": 2}
    run = dataclasses.replace(site, everywhere=changed).deploy()
    assert run.code == 0, run.output
    begun, ended = [], []
    for host in HOSTS:
        times = sorted(started(host).values())
        begun.append(times[0])
        ended.append(times[-1])
    assert max(begun) < min(ended)


def test_image_that_one_host_cannot_get_stops_the_run(site: Site) -> None:
    before = {host: snapshot(host) for host in HOSTS}
    site = dataclasses.replace(
        site,
        everywhere=site.everywhere,
        by_host={
            "plain7": {"image": "localhost/gone:9", "image_archive": str(api.image_archive())}
        },
    )
    run = site.deploy()
    assert run.code != 0
    assert "image localhost/gone:9: image_archive holds no image of that name" in run.output
    assert "Switch over" not in run.output
    assert snapshot("plain6") == before["plain6"]


def test_unreachable_host_ends_the_run_unless_left_out(site: Site) -> None:
    before = snapshot("plain6")
    changed = dataclasses.replace(
        site,
        everywhere={"environment": {"ONETIME_TEST_A": "1"}},
        by_host={"plain7": {"ssh_port": 2299}},
    )
    run = changed.deploy()
    assert run.code != 0
    assert "plain7: connection: it cannot be reached" in run.output
    assert snapshot("plain6") == before
    assert changed.deploy("--limit", "plain6").code == 0
    assert "ONETIME_TEST_A=1" in ssh("plain6", "cat /etc/onetime/current/environment")


def test_releases_tell_time_operator_and_image(site: Site) -> None:
    site.deploy_twice()
    known = ssh("plain6", "cat /etc/onetime/current/about").split()
    assert len(known) == 4
    made, operator, digest, image_id = known
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made)
    assert "@" in operator
    inspect = "podman image inspect --format '{{.Digest}} {{.Id}}' localhost/onetime-lab:1"
    assert f"{digest} {image_id}" == ssh("plain6", inspect)
    run = site.pyinfra("rollback.py", "-y", "--data", "release=99")
    assert run.code != 0
    assert f"{made} by {operator}, image {image_id[:12]}" not in run.output
    assert f" by {operator}, image " in run.output
