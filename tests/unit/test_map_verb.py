"""Whole runs of `verbs/map.py` with pyinfra's `@fake` hosts: one file, one line, no change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fakes import ROOT, fake
from tests.unit.observed import FIXTURES

pytestmark = pytest.mark.whole
RUNNING = (FIXTURES / "running").read_text()


def answering(**data: Any) -> dict[str, Any]:
    """Return a host that tells what runs, too: asked in words that others contain."""
    host = fake(**data)
    host["fake_responses"] = {"say units systemctl show --time": RUNNING} | host["fake_responses"]
    return host


def pyinfra(directory: Path, *flags: str, **hosts: dict[str, Any]) -> tuple[int, str, str]:
    """Return how a run ends, and what it says on standard output and error."""
    inventory = directory / "inventory.py"
    inventory.write_text(f"fakes = {[(f'@fake/{name}', data) for name, data in hosts.items()]!r}\n")
    return run(inventory, *flags)


def run(inventory: Path, *flags: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), str(inventory), "verbs/map.py", *flags],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_map_is_one_file_and_its_path_is_all_that_is_printed(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    code, output, errors = pyinfra(tmp_path, "--data", f"file={target}", web1=answering())
    assert (code, output) == (0, f"{target}\n"), errors
    html = target.read_text()
    assert "@fake/web1" in html
    assert "What is planned, and how it was found." in html
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inventory.py", "net.html"]
    assert target.stat().st_mode & 0o777 == 0o644


def test_inventory_that_collides_is_drawn_with_its_problems(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    code, output, errors = pyinfra(
        tmp_path, "--data", f"file={target}", web1=answering(), web2=answering()
    )
    assert (code, output) == (0, f"{target}\n"), errors
    html = target.read_text()
    assert "10.0.0.128/27 of @fake/web1 overlaps with 10.0.0.128/27 of @fake/web2" in html
    assert "Give each host a range of its own" in html


def test_host_that_does_not_say_what_runs_is_drawn_as_planned(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    host = fake()
    host["fake_responses"] = {"say units systemctl show --time": "nonsense"} | host[
        "fake_responses"
    ]
    _, _, errors = pyinfra(tmp_path, "--data", f"file={target}", web1=host)
    assert "it does not say what runs" in target.read_text(), errors


def test_hosts_beyond_the_limit_keep_their_ranges(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    other = answering(container_range="10.0.0.192/27")
    code, _, errors = pyinfra(
        tmp_path,
        *("--data", f"file={target}", "--limit", "@fake/web1"),
        web1=answering(),
        web2=other,
    )
    assert code == 0, errors
    assert "@fake/web2 10.0.0.192/27" in target.read_text()


def test_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    target = tmp_path / "gone" / "net.html"
    code, output, errors = pyinfra(tmp_path, "--data", f"file={target}", web1=answering())
    assert (code, output) == (1, "")
    assert (
        f"file: {target} cannot be written: No such file or directory. "
        "Name another with --data file=PATH." in errors
    )


def test_host_that_is_away_is_drawn_from_the_inventory(tmp_path: Path) -> None:
    target = tmp_path / "net.html"
    away = {
        "ssh_hostname": "127.0.0.1",
        "ssh_port": 9,
        "ssh_connect_retries": 0,
        "container_range": "10.0.0.192/27",
    }
    inventory = tmp_path / "inventory.py"
    inventory.write_text(f"fakes = {[('@fake/web1', answering()), ('away', away)]!r}\n")
    code, output, errors = run(inventory, "--data", f"file={target}")
    assert (code, output) == (0, f"{target}\n"), errors
    assert "Press enter" not in errors
    html = target.read_text()
    assert "away: connection: it cannot be reached, as told above" in html
    assert "away 10.0.0.192/27" in html
