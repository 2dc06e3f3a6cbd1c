"""The release command on real hosts: once for all, before anything changes, or nothing does."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import api
from lab.shell import wait_until
from tests.lab.conftest import Fresh
from tests.lab.harness import PYINFRA, Site, check_paths, ssh, started

HOSTS = ("plain16", "plain18")
RUNS = "release-command-runs"
# It counts its runs in the database, which it reaches by name on the private network.
COUNT = f'printf "INCR {RUNS}\\r\\nQUIT\\r\\n" | nc maindb 6379'
CURRENT = "readlink /etc/onetime/current"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return dataclasses.replace(fresh(*HOSTS), everywhere={"db_address": "10.0.0.10"})


def runs() -> int:
    counted = api.run_in("maindb", ["redis-cli", "get", RUNS]).stdout.strip()
    return int(counted or 0)


def commanded(site: Site, script: str, **more: Any) -> Site:
    words = {"release_command": ["sh", "-c", script], **more}
    return dataclasses.replace(site, everywhere={**site.everywhere, **words})


def images(tag: str) -> dict[str, Any]:
    return {"image": f"localhost/onetime-lab:{tag}", "image_archive": str(api.image_archive(tag))}


def state(site: Site) -> dict[str, tuple[str, dict[str, str]]]:
    return {host: (ssh(host, CURRENT), started(host)) for host in site.hosts}


def test_command_runs_once_and_not_without_a_change(site: Site) -> None:
    before = runs()
    script = f'{COUNT}; echo "as $(id -u), version $APP_VERSION, given $GIVEN"; echo "$TOKEN"'
    words = {
        "environment": {"GIVEN": "this"},
        "release_secrets": {"TOKEN": "env:TEST_TOKEN"},
    }
    full = commanded(site, script, **words)
    env = {"TEST_TOKEN": "a-token-of-the-test"}
    dry = full.pyinfra("deploy.py", "--dry", env=env)
    assert dry.code == 2, dry.output
    assert ". run sh -c " in dry.output
    assert runs() == before
    run = full.deploy(env=env)
    assert run.code == 0, run.output
    assert runs() == before + 1
    assert "as 0, version 1, given this" in run.output
    assert "a-token-of-the-test" not in run.output
    assert "*****" in run.output
    for host in site.hosts:
        assert "TOKEN" not in ssh(host, "podman exec onetime-7043 env; podman secret ls")
        assert "a-token-of-the-test" not in ssh(host, "grep -rs a-token /etc/onetime || :")
    again = full.deploy(env=env)
    assert (again.code, again.changed, runs()) == (0, 0, before + 1), again.output
    check_paths(site.hosts)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no such table >&2; exit 3", "the release command ended with exit code 3"),
        ("sleep 600", "the release command has not ended within 5 seconds"),
    ],
)
def test_command_that_fails_or_hangs_changes_nothing(
    site: Site, checkout: Path, script: str, told: str
) -> None:
    site.deploy_twice()
    names = checkout / "names.py"
    names.write_text(names.read_text().replace("RELEASE_LIMIT = 1800", "RELEASE_LIMIT = 5"))
    before = state(site)
    run = dataclasses.replace(commanded(site, script, **images("2")), checkout=checkout).deploy()
    assert run.code != 0, run.output
    assert told in run.output
    assert "the release command failed; nothing was changed" in run.output
    assert state(site) == before
    assert ssh("plain16", "podman ps --all --quiet --filter name=onetime-release") == ""
    check_paths(site.hosts)
    # The next run is not in its way.
    site.deploy_twice()


def test_rollout_that_fails_after_the_command_goes_back(site: Site) -> None:
    site.deploy_twice()
    before, counted = state(site), runs()
    run = commanded(site, COUNT, **images("exits")).deploy()
    assert run.code != 0, run.output
    assert runs() == counted + 1
    assert ssh("plain16", CURRENT) == before["plain16"][0]
    assert state(site)["plain18"] == before["plain18"]
    check_paths(site.hosts)
    site.deploy_twice()


def test_killed_command_is_run_anew_by_the_next_run(site: Site) -> None:
    site.deploy_twice()
    slow = commanded(site, f"{COUNT}; sleep 8", environment={"ONETIME_TEST_KILLED": "1"})
    counted = runs()
    process = subprocess.Popen(
        [str(PYINFRA), str(slow.inventory()), "deploy.py", "-y"],
        cwd=site.checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: runs() == counted + 1, what="the command to run", seconds=60)
    finally:
        process.kill()
        process.wait()
    slow.deploy_twice()
    assert runs() == counted + 2
    check_paths(site.hosts)
