"""The dry run shows every change in full and touches nothing."""

from __future__ import annotations

import dataclasses
import re

import pytest

from names import ABOUT, DIGESTS, SERVED
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, snapshot, ssh

HOST = "plain4"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def shown(output: str) -> dict[str, list[str]]:
    """Return the diff lines per file from pyinfra's output, colours and prefixes removed."""
    diffs: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in output.splitlines():
        line = re.sub(r"\x1b\[[0-9;]*m", "", raw)
        if heading := re.search(r"Will (?:create|modify|remove) (\S+)", line):
            lines = diffs.setdefault(heading[1], [])
        elif line.startswith("      "):
            lines.append(line.removeprefix("      "))
    return diffs


def test_first_dry_run_shows_whole_files_and_touches_nothing(site: Site) -> None:
    before = snapshot(HOST)
    run = site.pyinfra("deploy.py", "--dry", "--diff")
    assert run.code == 2, run.output
    assert snapshot(HOST) == before

    diffs = shown(run.output)
    assert site.deploy().code == 0
    written_later = " ".join(f"! -name {name}" for name in (ABOUT, DIGESTS, SERVED))
    files = f"find . -type f {written_later} -printf '%P\\n'"
    installed = ssh(HOST, f"cd /etc/onetime/current/ && {files}").splitlines()
    assert len(installed) >= 8
    for path in installed:
        content = ssh(HOST, f"cat /etc/onetime/current/{path}")
        added = [line[2:] for line in diffs[f"/etc/onetime/current/{path}"] if line[:1] == "+"]
        assert "\n".join(added).strip() == content, path


def test_later_dry_run_shows_exactly_what_would_change(site: Site) -> None:
    site.deploy()
    changed = dataclasses.replace(site, everywhere={"environment": {"ONETIME_TEST_A": "ä b"}})
    before = snapshot(HOST)
    run = changed.pyinfra("deploy.py", "--dry", "--diff")
    assert run.code == 2, run.output
    assert snapshot(HOST) == before
    diffs = shown(run.output)
    assert diffs["/etc/onetime/current/environment"][1:] == ["+ ONETIME_TEST_A=ä b"]
    assert set(diffs) == {
        "/etc/onetime/current/environment",
        "/etc/onetime/current/quadlet/onetime@7043.container.d/config.conf",
        "/etc/onetime/current/quadlet/onetime@7044.container.d/config.conf",
    }


def test_dry_run_of_an_unchanged_inventory_shows_nothing(site: Site) -> None:
    site.deploy()
    run = site.pyinfra("deploy.py", "--dry", "--diff")
    assert run.code == 0, run.output
    assert shown(run.output) == {}
