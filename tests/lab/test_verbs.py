"""The verbs that are needed now and then, on real hosts: what an operator reads, and what stays."""

from __future__ import annotations

import dataclasses
import json
import os
import runpy
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import PYINFRA, ROOT, Run, Site, snapshot, ssh, wait_until

HOSTS = ("plain1",)
HOST = "plain1"
ENVIRONMENT = {"TEST_VALUE": "s3cret-of-the-test"}
RUNS = "podman ps --all --quiet --filter name=^onetime-run- | grep -q ."


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    words: dict[str, Any] = {
        "secrets": {"TOKEN": "env:TEST_VALUE"},
        "environment": {"GIVEN": "this one"},
        "db_address": "10.0.0.10",
    }
    site = dataclasses.replace(fresh(*HOSTS), everywhere=words)
    run = site.deploy(env=ENVIRONMENT)
    assert run.code == 0, run.output
    return site


@pytest.fixture(scope="module")
def two(site: Site) -> Path:
    """An inventory in which the host has two names, and one more that nothing leads to."""
    (entry,) = runpy.run_path(str(site.inventory()))["lab"]
    data = entry[1]
    path = site.directory / "two.py"
    hosts = [("app1", data), ("app-two", {**data, "instances": [7044]})]
    path.write_text(f"lab = {hosts!r}\naway = {[('gone', {**data, 'ssh_port': 1})]!r}\n")
    return path


@contextmanager
def started(inventory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start pyinfra without a terminal and without `-y`: there is nothing to confirm."""
    with subprocess.Popen(
        [str(PYINFRA), str(inventory), *arguments],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def said(inventory: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Return exit code, the lines of standard output, and what is told beside them."""
    with started(inventory, *arguments) as running:
        output, told = running.communicate(timeout=120)
        assert "Traceback" not in told
        return running.returncode, output.splitlines(), told


def say(port: int, text: str) -> None:
    """Have an instance's app say something."""
    ssh(HOST, f"podman exec onetime-{port} sh -c 'printf \"{text}\\n\" >/proc/1/fd/1'")


def ask(site: Site, *words: str) -> Run:
    data = [argument for word in words for argument in ("--data", word)]
    return site.pyinfra("verbs/run.py", *data, env=ENVIRONMENT)


def test_lines_of_all_instances_of_all_hosts_come_by_time(two: Path) -> None:
    for port, text in ((7044, "first of it"), (7043, "second of it"), (7044, "third of it")):
        say(port, text)
        wait_until(HOST, f'journalctl --identifier=onetime-{port} | grep -q "{text}"', seconds=30)
    before = snapshot(HOST)
    arguments = ("verbs/logs.py", "--limit", "lab", "--data", "grep=of it")
    code, lines, told = said(two, *arguments)
    assert code == 0, told
    columns = [line.split(None, 4)[2:] for line in lines]
    assert columns == [
        [host, port, f"{number} of it"]
        for number, port in (("first", "7044"), ("second", "7043"), ("third", "7044"))
        for host in ("app1", "app-two")
        if (host, port) != ("app-two", "7043")
    ]
    assert lines == sorted(lines, key=lambda line: line[:19])
    code, lines, told = said(two, *arguments, "--data", "format=json", "--data", "instance=7043")
    assert code == 0, told
    (line,) = map(json.loads, lines)
    assert line.pop("at").endswith("+00:00")
    assert line == {"schema": 1, "host": "app1", "instance": "7043", "line": "second of it"}
    assert snapshot(HOST) == before


def test_line_acts_on_no_terminal_and_shows_no_secret(site: Site) -> None:
    say(7043, "\\033]0;title\\007 is s3cret-of-the-test")
    written = "journalctl --identifier=onetime-7043 --all --output=cat | grep -q title"
    wait_until(HOST, written, seconds=30)
    _, lines, told = said(site.inventory(), "verbs/logs.py", "--data", "grep=title")
    assert [line.split(None, 4)[4] for line in lines] == ["\\x1b]0;title\\x07 is *****"], told


def test_line_of_somebody_else_is_no_line_of_the_app(site: Site) -> None:
    ssh(HOST, "su nobody -s /bin/sh -c 'logger --tag onetime-7043 as if it were the app'")
    wait_until(HOST, 'journalctl --identifier=onetime-7043 | grep -q "as if"', seconds=30)
    code, lines, told = said(site.inventory(), "verbs/logs.py", "--data", "grep=as if")
    assert (code, lines) == (0, []), told


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("since=; touch /tmp/pwned", "--data: since: '; touch /tmp/pwned' is no time."),
        ("since=then", f"{HOST}: its lines end here: Failed to parse timestamp: then"),
        ("grep=(", f'{HOST}: its lines end here: Bad pattern "(": '),
        ("instance=7049", "instance: no host has '7049' (did you mean 7044?)."),
        ("typo=1", f"{HOST}: typo: the deploy knows no such key."),
    ],
)
def test_logs_that_cannot_be_asked_for(site: Site, word: str, sentence: str) -> None:
    code, lines, told = said(site.inventory(), "verbs/logs.py", "--data", word)
    assert (code, lines) == (1, []), told
    assert sentence in told


def test_pattern_reaches_no_shell(site: Site) -> None:
    pattern = "'; touch /tmp/pwned; $(touch /tmp/pwned) `touch /tmp/pwned` \""
    code, lines, told = said(site.inventory(), "verbs/logs.py", "--data", f"grep={pattern}")
    assert (code, lines) == (0, []), told
    ssh(HOST, "! [ -e /tmp/pwned ]")


def test_host_that_cannot_be_reached_costs_its_own_lines(two: Path) -> None:
    code, lines, told = said(two, "verbs/logs.py", "--data", "since=-1d", "--data", "grep=listens")
    assert code == 1
    assert told.count("gone: connection: it cannot be reached") == 1
    assert {line.split()[2] for line in lines} == {"app1", "app-two"}


def test_following_shows_lines_and_leaves_nothing_behind(two: Path) -> None:
    arguments = ("verbs/logs.py", "--limit", "lab", "--data", "follow=1")
    with started(two, *arguments) as running:
        assert running.stdout is not None
        wait_until(HOST, "[ $(pgrep --exact --count journalctl) = 2 ]", seconds=30)
        say(7043, "as it comes")
        assert running.stdout.readline().strip().split(None, 4)[2:] == [
            "app1",
            "7043",
            "as it comes",
        ]
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 130
    wait_until(HOST, '! pgrep --full "[j]ournalctl" >/dev/null', seconds=30)


def test_command_runs_in_a_fresh_container_like_an_instances(site: Site) -> None:
    before = snapshot(HOST)
    script = 'echo "$GIVEN, $TOKEN"; echo PING | nc maindb 6379; echo oops >&2; exit 7'
    code, lines, told = said(
        site.inventory(), "verbs/run.py", "--data", f"command=sh -c '{script}'"
    )
    assert code == 7, told
    assert [line.strip() for line in lines] == ["this one, *****", "+PONG"]
    assert "oops" in told
    assert "in a fresh container of release 1" in told
    assert snapshot(HOST) == before


def test_what_a_command_says_is_in_no_log(site: Site) -> None:
    assert ask(site, "command=echo for-the-operator-alone").code == 0
    ssh(HOST, "! journalctl --quiet --output=cat | grep '^for-the-operator-alone'")


def test_command_runs_in_a_container_that_runs(site: Site) -> None:
    run = ask(site, "in=7044", "command=sh -c 'echo \"port $PORT\"; exit 3'")
    assert run.code == 3, run.output
    assert "port 3000" in run.output
    assert "in onetime-7044" in run.output
    ssh(HOST, "podman exec onetime-7044 true")


def test_words_of_a_command_reach_no_shell(site: Site) -> None:
    words = "$HOME ; `touch /tmp/pwned` $(touch /tmp/pwned) * | > /tmp/pwned !! \\\\"
    for place in ((), ("in=7043",)):
        run = ask(site, f"command=echo {words}", *place)
        assert run.code == 0, run.output
        assert words.replace("\\\\", "\\") in run.output.splitlines()
    ssh(HOST, "! [ -e /tmp/pwned ]")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "command: there is nothing to run."),
        (["command=echo 'x"], "cannot be split into words: No closing quotation."),
        (["command=true", "in=7049"], "'7049' does not run. Name one of these: 7043, 7044."),
        (["command"], "--data command has no value."),
    ],
)
def test_command_that_cannot_run(site: Site, words: list[str], sentence: str) -> None:
    run = ask(site, *words)
    assert run.code == 1, run.output
    assert sentence in run.output


def test_dry_run_says_what_would_run(site: Site) -> None:
    code, lines, told = said(
        site.inventory(), "verbs/run.py", "--dry", "--data", "command=echo it-ran"
    )
    assert (code, lines) == (0, [])
    assert "would run echo it-ran in a fresh container of release 1" in told


def test_command_runs_once_however_many_hosts_there_are(two: Path) -> None:
    arguments = ("verbs/run.py", "--limit", "lab", "--data", "command=echo it-ran")
    code, lines, told = said(two, *arguments)
    assert (code, lines) == (0, ["it-ran"]), told
    assert "[app1]    runs echo it-ran" in told


def test_interrupted_command_ends_and_its_container_goes(site: Site) -> None:
    command = "command=sh -c 'trap \"exit 1\" TERM; echo begun; while :; do sleep 0.1; done'"
    with started(site.inventory(), "verbs/run.py", "--data", command) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        ssh(HOST, RUNS)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 130
    wait_until(HOST, f"! {RUNS}", seconds=60)
    wait_until(HOST, '! pgrep -f "[o]nce.sh" >/dev/null', seconds=30)
