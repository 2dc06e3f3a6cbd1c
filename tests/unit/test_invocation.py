"""Runs of pyinfra that could do nothing end non-zero with one sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.observed import FIXTURES

pytestmark = pytest.mark.whole
ROOT = FIXTURES.parents[1]
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
HOSTS = "@fake/a,@fake/b"


def output(*arguments: str) -> str:
    """Return what pyinfra says; it must fail without a traceback."""
    done = subprocess.run(
        [PYINFRA, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert "Connecting" not in done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--limit", "@fake/c"), "--limit @fake/c matches no host and no group. "),
        (("--limit", "@fake/a", "--limit", "b"), "--limit b matches no host and no group. "),
        (("--limit", HOSTS), f"--limit {HOSTS} matches no host and no group. "),
        (("--exclude", "typo"), "--exclude typo matches no host and no group. "),
        (("--exclude", "@fake/*"), "no host is left. "),
        (("--key", "/gone"), "@fake/a: ssh_key: No such private key file: /gone. "),
        (("--key", "/etc/passwd"), "@fake/b: ssh_key: Invalid private key file: /etc/passwd. "),
        (("--data", "_sudo_password=s3cret"), "@fake/a: _sudo_password: pyinfra would show it"),
        (("--data", "_su_password=s3cret"), "@fake/b: _su_password: pyinfra would show it"),
        (("--data", "since"), "--data since has no value. Say it as --data since=…."),
        (("--use-sudo-password",), "a password for sudo: pyinfra would show it"),
    ],
)
def test_run_that_could_do_nothing(arguments: tuple[str, ...], sentence: str) -> None:
    text = output(HOSTS, "deploy.py", "-y", *arguments)
    assert sentence in text
    assert "s3cret" not in text


@pytest.mark.parametrize("verb", ["rollback.py", "teardown.py"])
def test_other_verbs_are_asked_the_same(verb: str) -> None:
    assert "--limit typo matches no host" in output(HOSTS, verb, "-y", "--limit", "typo")


@pytest.mark.parametrize("name", ["nowhere.py", "inventories/typo", "inventories"])
def test_inventory_that_is_not_there(name: str) -> None:
    assert f"there is no inventory {name}. " in output(name, "deploy.py", "-y")


def test_password_is_refused_before_an_inventory_is_shown() -> None:
    text = output(HOSTS, "debug-inventory", "--data", "_sudo_password=s3cret")
    assert "s3cret" not in text


def test_run_without_a_terminal_needs_an_answer_beforehand() -> None:
    assert "Add -y to make them, or --dry to see them." in output(HOSTS, "deploy.py")


def test_interrupted_run_says_so_and_fails() -> None:
    run = subprocess.Popen(
        [PYINFRA, "@local", "exec", "-y", "--", "echo begun; sleep 60"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout is not None
    assert any("Beginning operation run" in line for line in iter(run.stdout.readline, ""))
    run.send_signal(signal.SIGINT)
    text = run.stdout.read()
    assert run.wait(timeout=30) == 130, text
    assert "interrupted: " in text
