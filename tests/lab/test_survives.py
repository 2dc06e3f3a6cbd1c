"""Once a host's switch has begun it ends in the old or the new release, whatever ends its operator.

Each case starts a change of image and list, strikes at a moment of its own, and then looks at what
the host has come to without any help. The next deploy converges without a manual step.
"""

from __future__ import annotations

import dataclasses
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import api
from lab.shapes import MACHINE_ADDRESS
from tests.lab.conftest import Fresh
from tests.lab.harness import (
    IN_BASE,
    PYINFRA,
    ROOT,
    Site,
    check_paths,
    page,
    ssh,
    wait_until,
)

HOST = "plain6"
PUBLIC = "203.0.113.16"
NEW = {"image": "localhost/onetime-lab:2", "image_archive": str(api.image_archive("2"))}
# No packet leads back to the machine that deploys.
CUT = ("blackhole", f"{MACHINE_ADDRESS}/32")
SETTLED = (
    "[ ! -e /etc/onetime/switching ] && "
    '[ "$(systemctl is-active onetime-switch.service)" = inactive ]'
)

# A whole change takes about this long, from the start of pyinfra to its end, in seconds.
SPAN = 12.0


def moment(part: int, of: int) -> float:
    """Return a moment of a change, at random within one of its equal parts."""
    chosen = SPAN * (part + random.random()) / of  # noqa: S311 - nothing secret
    print(f"after {chosen:.2f} s")
    return chosen


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    # Both images are there, so the moments fall on what a change is made of.
    dataclasses.replace(site, everywhere=NEW).deploy_twice()
    return site


def other(site: Site) -> Site:
    """Return the inventory of the release that the host is not in."""
    wait_until(HOST, SETTLED, seconds=180)
    now = page("outside", PUBLIC, 7043)["version"]
    return dataclasses.replace(site, everywhere=NEW if now == "1" else {})


@contextmanager
def running(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Start a deploy; it is killed at the end, if it still runs."""
    process = subprocess.Popen(
        [str(PYINFRA), str(site.inventory()), "deploy.py", "-y"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def versions() -> set[str]:
    """Return the versions of the app that answer; `none` for an instance that does not."""
    found = set()
    for port in (7043, 7044):
        try:
            found.add(page("outside", PUBLIC, port)["version"])
        except AssertionError:
            found.add("none")
    return found


def serves_one_release(old: str, new: str) -> None:
    """Check that the host is in the old or in the new release, whole, and serves."""
    wait_until(HOST, SETTLED, seconds=180)
    (version,) = versions()
    assert version in {old, new}
    image = ssh(HOST, "sed -n 's/^Image=//p' /etc/onetime/current/quadlet/onetime@.container")
    assert image == f"localhost/onetime-lab:{version}"
    assert "switching" not in ssh(HOST, "ls /etc/onetime")


def converges(site: Site) -> None:
    site.deploy_twice()
    check_paths(site.hosts)
    assert set(ssh(HOST, "ls /etc/onetime").split()) == IN_BASE


@pytest.mark.parametrize("part", range(10))
def test_pyinfra_is_killed(site: Site, part: int) -> None:
    wanted = other(site)
    old, new = ("1", "2") if wanted.everywhere else ("2", "1")
    with running(wanted):
        time.sleep(moment(part, of=10))
    serves_one_release(old, new)
    converges(wanted)


@pytest.mark.parametrize("part", range(10))
def test_way_to_the_host_is_cut(site: Site, part: int) -> None:
    wanted = other(site)
    old, new = ("1", "2") if wanted.everywhere else ("2", "1")
    with running(wanted):
        time.sleep(moment(part, of=10))
        cut = api.run_in(HOST, ["ip", "route", "add", *CUT])
        assert cut.returncode == 0, cut.stderr
        # Nobody gets in, and the host comes to serve one release again all the same.
        deadline = time.monotonic() + 180
        while versions() not in ({"1"}, {"2"}):
            assert time.monotonic() < deadline
            time.sleep(0.5)
    mended = api.run_in(HOST, ["ip", "route", "delete", *CUT])
    assert mended.returncode == 0, mended.stderr
    serves_one_release(old, new)
    converges(wanted)


@pytest.mark.parametrize("part", range(6))
def test_power_is_cut(site: Site, part: int) -> None:
    wanted = other(site)
    old, new = ("1", "2") if wanted.everywhere else ("2", "1")
    with running(wanted):
        time.sleep(moment(part, of=6))
        api.reboot(HOST, hard=True)
    for port in (7043, 7044):
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service")
    serves_one_release(old, new)
    converges(wanted)


def test_unit_itself_is_killed(site: Site) -> None:
    wanted = other(site)
    old, new = ("1", "2") if wanted.everywhere else ("2", "1")
    with running(wanted) as process:
        wait_until(HOST, "systemctl is-active onetime-switch.service | grep -q activating")
        wait_until(HOST, "systemctl is-active onetime@7043.service | grep -q activating")
        ssh(HOST, "systemctl kill --signal=KILL onetime-switch.service")
        process.wait(timeout=180)
    serves_one_release(old, new)
    converges(wanted)
