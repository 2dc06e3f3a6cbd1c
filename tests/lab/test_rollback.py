"""Rollback brings an earlier release back, restarts what it concerns, and can be undone."""

from __future__ import annotations

import dataclasses
import re

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, in_container, snapshot, ssh, started

HOST = "plain4"


def with_value(site: Site, value: str, **more: object) -> Site:
    everywhere = {"environment": {"ONETIME_TEST_V": value}, **more}
    return dataclasses.replace(site, everywhere=everywhere)


def value() -> str:
    return in_container(HOST, 7043, 'echo "$ONETIME_TEST_V"')


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    with_value(site, "one").deploy_twice()
    with_value(site, "two").deploy_twice()
    with_value(site, "three", network_mode="routed", instances=[7043]).deploy_twice()
    return site


def test_rollback_goes_back_one_release_and_then_one_more(site: Site) -> None:
    for expected in ("two", "one"):
        run = site.pyinfra("rollback.py", "-y")
        assert run.code == 0, run.output
        assert value() == expected
        check_paths(site.hosts)
    # The two releases differ in the environment alone, so nothing else was made anew.
    assert set(started(HOST)) == {"onetime-7043", "onetime-7044"}


def test_rollback_goes_to_a_release_and_a_deploy_forward_again(site: Site) -> None:
    run = site.pyinfra("rollback.py", "-y", "--data", "release=3")
    assert run.code == 0, run.output
    assert value() == "three"
    assert "onetime" not in ssh(HOST, "podman network ls -q").replace("onetime-publish", "").split()
    with_value(site, "two").deploy_twice()
    assert value() == "two"
    check_paths(site.hosts)


def test_dry_rollback_says_what_it_would_do(site: Site) -> None:
    before = snapshot(HOST)
    run = site.pyinfra("rollback.py", "--dry")
    assert run.code == 0, run.output
    told = re.search(
        r"Will go back from release (\d+) \((.+?)\) to (\d+) \((.+?)\), which", run.output
    )
    assert told, run.output
    assert int(told[1]) > int(told[3])
    for about in (told[2], told[4]):
        assert re.fullmatch(r"\S+Z by \S+@\S+, image [0-9a-f]{12}", about)
    assert "restarts 7043" in run.output
    assert snapshot(HOST) == before


def test_release_that_is_not_whole_is_refused_untouched(site: Site) -> None:
    release = re.search(r"to (\d+) \(", site.pyinfra("rollback.py", "--dry").output)
    assert release
    directory = f"/etc/onetime/releases/{release[1]}"
    ssh(HOST, f"cp -a {directory} /root/kept; rm {directory}/quadlet/onetime@.container")
    before = snapshot(HOST)
    run = site.pyinfra("rollback.py", "-y")
    assert run.code != 0
    assert f"release {release[1]} is not what it was" in run.output
    assert "./quadlet/onetime@.container" in run.output
    assert snapshot(HOST) == before
    ssh(HOST, f"rm -r {directory}; mv /root/kept {directory}")


def test_release_that_never_served_is_passed_over(site: Site) -> None:
    broken = with_value(site, "broken", health_path="/nowhere")
    assert broken.deploy().code != 0
    failed = ssh(HOST, "ls /etc/onetime/releases/*/failed").split("/")[4]
    refused = site.pyinfra("rollback.py", "-y", "--data", f"release={failed}")
    assert f"{failed} was asked for, which failed" in refused.output
    with_value(site, "later").deploy_twice()
    run = site.pyinfra("rollback.py", "-y")
    assert run.code == 0, run.output
    assert value() != "later"
    check_paths(site.hosts)


def test_release_whose_paths_do_not_answer_is_left_again(site: Site) -> None:
    """Its file says a database that nothing answers for: what it was verified with then."""
    with_value(site, "before").deploy_twice()
    with_value(site, "after").deploy_twice()
    before = ssh(HOST, "readlink /etc/onetime/current")
    ssh(
        HOST,
        "cd /etc/onetime/releases/$(ls /etc/onetime/releases | sort -n | tail -n 2 | head -n 1) && "
        'sed -i \'s/"db_port": 6379/"db_port": 6380/\' question.json && '
        'sed -i "s|.*  ./question.json|$(sha256sum ./question.json)|" digests',
    )
    run = site.pyinfra("rollback.py", "-y")
    assert run.code != 0
    assert "nothing listens on port 6380" in run.output
    assert ssh(HOST, "readlink /etc/onetime/current") == before
    assert value() == "after"
    check_paths(site.hosts)


def test_image_that_a_prune_has_taken_is_there_for_going_back(site: Site) -> None:
    with_value(site, "first").deploy_twice()
    later = with_value(
        site,
        "second",
        image="localhost/onetime-lab:2",
        image_archive=str(api.image_archive("2")),
    )
    later.deploy_twice()
    ssh(HOST, "podman system prune --all --force")
    assert "onetime-lab:1" not in ssh(HOST, "podman images --format '{{.Repository}}:{{.Tag}}'")
    run = site.pyinfra("rollback.py", "-y")
    assert run.code == 0, run.output
    assert value() == "first"
    check_paths(site.hosts)


def test_name_that_has_moved_is_a_change_of_its_own(site: Site) -> None:
    there = with_value(site, "moved")
    there.deploy_twice()
    tag = "podman tag localhost/onetime-lab:2 localhost/onetime-lab:1"
    ssh(HOST, f"{tag}; systemctl restart onetime@7043")
    run = there.pyinfra("deploy.py", "--dry")
    assert "its name has moved " in run.output
    there.deploy_twice()
    images = ssh(HOST, "podman ps --format '{{.ImageID}}' --filter name=^onetime- | sort -u")
    assert len(images.split()) == 1


@pytest.mark.parametrize("release", ["99", "0", "-1", "none"])
def test_release_that_is_not_there_is_refused_untouched(site: Site, release: str) -> None:
    before = snapshot(HOST)
    run = site.pyinfra("rollback.py", "-y", "--data", f"release={release}")
    assert run.code != 0
    assert f"plain4: release: {release} was asked for" in run.output
    assert snapshot(HOST) == before


def test_host_without_an_earlier_release_is_refused(fresh: Fresh) -> None:
    site = fresh(HOST)
    assert "there is none before the current one" in site.pyinfra("rollback.py", "-y").output
    assert site.deploy().code == 0
    assert site.pyinfra("rollback.py", "-y").code != 0
    check_paths(site.hosts)
