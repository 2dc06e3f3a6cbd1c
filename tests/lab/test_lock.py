"""One deploy at a time per host: the second is told who the first is; a dead one's lock lapses."""

from __future__ import annotations

import dataclasses
import getpass
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import OUTSIDE, PYINFRA, ROOT, Site, check_paths, snapshot, ssh, wait_until

HOST = "plain6"
HOLDER = f"{getpass.getuser()}@{socket.gethostname()}"
PORT = 5000
SILENT = f"""
import socket, threading
server = socket.create_server(("{OUTSIDE}", {PORT}))
threading.Event().wait()
"""


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.fixture
def first(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """A deploy that holds the lock for long: its registry takes connections and says nothing."""
    argv = api.command_in("outside", [sys.executable, "-c", SILENT])
    registry = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    slow = dataclasses.replace(
        site, everywhere={"image": f"{OUTSIDE}:{PORT}/app:1", "image_archive": None}
    )
    process = subprocess.Popen(
        [str(PYINFRA), str(slow.inventory()), "deploy.py", "-y"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(HOST, f"ss -tn | grep -q {OUTSIDE}:{PORT}")
        yield process
    finally:
        for one in (process, registry):
            one.kill()
            one.wait()


def test_second_of_two_deploys_is_told_of_the_first(
    site: Site, first: subprocess.Popen[bytes]
) -> None:
    before = snapshot(HOST)
    run = dataclasses.replace(site, everywhere={"shim": True}).deploy()
    assert run.code != 0
    assert f"{HOLDER} is deploying to this host right now" in run.output
    assert first.poll() is None
    assert snapshot(HOST) == before


def test_lock_of_a_killed_deploy_lapses(site: Site, first: subprocess.Popen[bytes]) -> None:
    first.send_signal(signal.SIGKILL)
    first.wait()
    ssh(HOST, "[ -e /run/onetime/lock ]")
    dataclasses.replace(site, everywhere={"shim": True}).deploy_twice()
    check_paths(site.hosts)


def test_lock_is_free_after_a_deploy_be_it_good_or_failed(site: Site) -> None:
    changed = dataclasses.replace(site, everywhere={"environment": {"ONETIME_TEST_A": "1"}})
    assert changed.deploy().code == 0
    assert "lock" not in ssh(HOST, "ls /run/onetime").split()
    gone = {"image": "localhost/gone:1", "image_archive": str(api.image_archive("1"))}
    failed = dataclasses.replace(site, everywhere=gone).deploy()
    assert "image_archive holds no image of that name" in failed.output
    site.deploy_twice()


def test_deploy_waits_for_a_change_without_its_operator(site: Site) -> None:
    changed = dataclasses.replace(site, everywhere={"environment": {"ONETIME_TEST_B": "1"}})
    process = subprocess.Popen(
        [str(PYINFRA), str(changed.inventory()), "deploy.py", "-y"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(HOST, '[ "$(systemctl is-active onetime-switch.service)" = activating ]')
    process.kill()
    process.wait()
    changed.deploy_twice()
    assert "ONETIME_TEST_B=1" in ssh(HOST, "cat /etc/onetime/current/environment")
