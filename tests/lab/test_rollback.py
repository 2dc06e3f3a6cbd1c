"""Rollback brings an earlier release back, restarts what it concerns, and can be undone."""

from __future__ import annotations

import dataclasses

import pytest

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


def test_it_goes_back_one_release_and_then_one_more(site: Site) -> None:
    for expected in ("two", "one"):
        run = site.pyinfra("rollback.py", "-y")
        assert run.code == 0, run.output
        assert value() == expected
        check_paths(site.hosts)
    # The two releases differ in the environment alone, so nothing else was made anew.
    assert set(started(HOST)) == {"onetime-7043", "onetime-7044"}


def test_it_goes_to_a_given_release_and_a_deploy_goes_forward_again(site: Site) -> None:
    run = site.pyinfra("rollback.py", "-y", "--data", "release=3")
    assert run.code == 0, run.output
    assert value() == "three"
    assert "onetime" not in ssh(HOST, "podman network ls -q").replace("onetime-publish", "").split()
    with_value(site, "two").deploy_twice()
    assert value() == "two"
    check_paths(site.hosts)


@pytest.mark.parametrize("release", ["99", "0", "-1", "none"])
def test_a_release_that_is_not_there_is_refused_untouched(site: Site, release: str) -> None:
    before = snapshot(HOST)
    run = site.pyinfra("rollback.py", "-y", "--data", f"release={release}")
    assert run.code != 0
    assert f"plain4: release: {release} was asked for" in run.output
    assert snapshot(HOST) == before


def test_a_host_without_an_earlier_release_is_refused(fresh: Fresh) -> None:
    site = fresh(HOST)
    assert "there is none before the current one" in site.pyinfra("rollback.py", "-y").output
    assert site.deploy().code == 0
    assert site.pyinfra("rollback.py", "-y").code != 0
    check_paths(site.hosts)
