"""A run that is killed at any moment is repaired by running it again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import (
    IN_BASE,
    PYINFRA,
    ROOT,
    Site,
    check_paths,
    ssh,
)

HOST = "plain4"

# What pyinfra prints when the moment has come, from the first connection to the last check.
MOMENTS = (
    "Connecting to hosts",
    "Preparing operation files",
    "Starting operation: Lock the host",
    "Starting operation: Image | Have the image",
    "Starting operation: Stage",
    "Starting operation: Switch over",
)

CHANGED = {
    "container_range": "10.0.0.192/28",
    "publish_subnet": "10.89.77.0/24",
    "instances": [7044, 7045],
    "shim": True,
    "environment": {"ONETIME_TEST_B": "changed"},
}


def kill_at(site: Site, moment: str) -> None:
    """Start a deploy and kill it with SIGKILL as soon as it prints the moment's line."""
    process = subprocess.Popen(
        [str(PYINFRA), str(site.inventory()), "deploy.py", "-y"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    came = any(moment in line for line in process.stdout)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert came, f"the run never came to {moment!r}"


def repaired(site: Site, ports: tuple[int, ...]) -> None:
    site.deploy_twice()
    check_paths(site.hosts, ports)
    assert set(ssh(HOST, "ls /etc/onetime").split()) == IN_BASE
    assert "onetime" not in ssh(HOST, "ls /var/lib/containers")


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_first_deploy_is_repaired(fresh: Fresh, moment: str) -> None:
    site = fresh(HOST)
    kill_at(site, moment)
    repaired(site, (7043, 7044))


@pytest.fixture(scope="module")
def deployed(fresh: Fresh) -> Site:
    site = fresh(HOST)
    assert site.deploy().code == 0
    return site


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if "Upload" not in moment])
def test_killed_change_is_repaired(deployed: Site, moment: str) -> None:
    """Moves everything at once, one way and, in the next case, back."""
    ports = ssh(HOST, "ls /etc/onetime/current/quadlet")
    there = "onetime@7045.container" in ports
    site = deployed if there else dataclasses.replace(deployed, everywhere=CHANGED)
    kill_at(site, moment)
    repaired(site, (7043, 7044) if there else (7044, 7045))
