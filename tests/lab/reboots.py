"""Runs of `verbs/reboot.py`: a host of the lab that goes down stays so until it is brought up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import cgroup
from lab.shell import wait_until
from tests.lab.harness import PYINFRA, Site


def down(host: str) -> None:
    wait_until(lambda: not cgroup.running(host), what=f"{host} to go down", seconds=120)


def failing(inventory: Path, checkout: Path) -> str:
    """Return what `reboot.py` says of an inventory; it must fail without a traceback."""
    done = subprocess.run(
        [str(PYINFRA), str(inventory), "verbs/reboot.py", "-y"],
        cwd=checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


@contextmanager
def rebooting(site: Site, host: str) -> Iterator[subprocess.Popen[str]]:
    """Run `reboot.py` until the host is down."""
    process = subprocess.Popen(
        [str(PYINFRA), str(site.inventory()), "verbs/reboot.py", "-y"],
        cwd=site.checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        down(host)
        yield process
    finally:
        process.kill()
        process.wait()
