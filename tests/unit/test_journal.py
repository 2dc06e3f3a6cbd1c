"""The journal of many hosts: what is asked for, what is refused, and how a line is read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from facts.journal import Line, question, read_line
from plan.inventory.settings import Settings
from plan.journal import wanted
from plan.problems import PlanError
from tests.unit.observed import RANGE, settings

# As journalctl 257 answered on a real host.
ANSWER = {
    "__SEQNUM": "148",
    "MESSAGE": "onetime-lab 1 listens on port 3000\n",
    "__REALTIME_TIMESTAMP": "1796068169549206",
    "SYSLOG_IDENTIFIER": "onetime-7043",
}
HOSTILE = "; touch pwned; $(touch pwned) `touch pwned` '\"\\\n!! \x1b[2J ü"


def fleet() -> dict[str, Settings]:
    return {
        "app1": settings(**RANGE, instances=[7043], workers=["emails"], scheduler=True),
        "app2": settings(**RANGE, instances=[7043, 7044]),
    }


def test_line_is_read() -> None:
    at = datetime(2026, 11, 30, 19, 49, 29, 549206, UTC)
    text = "onetime-lab 1 listens on port 3000"
    assert read_line(json.dumps(ANSWER)) == Line(at, "onetime-7043", text)


def test_message_that_is_no_text_comes_as_bytes() -> None:
    message = list(b"\x1b[31mred\xff \xc3\xbc")
    assert read_line(json.dumps(ANSWER | {"MESSAGE": message})).text == "\x1b[31mred\\xff ü"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps(ANSWER | {"MESSAGE": None}),
        json.dumps(ANSWER | {"MESSAGE": [300]}),
        json.dumps(ANSWER | {"MESSAGE": ["two", "values"]}),
        json.dumps(ANSWER | {"__REALTIME_TIMESTAMP": "yesterday"}),
        json.dumps(ANSWER | {"__REALTIME_TIMESTAMP": "9" * 5000}),
    ],
)
def test_nonsense_is_no_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"journalctl answered|bytes must be"):
        read_line(text)


@contextmanager
def asking(
    directory: Path, journalctl: str, command: str
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """Run a question with a journalctl of its own; yield it, its standard input and output."""
    program = directory / "journalctl"
    program.write_text(f"#!/bin/sh\n{journalctl}\n")
    program.chmod(0o755)
    path = f"{directory}:{os.environ['PATH']}"
    with subprocess.Popen(
        ["sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=directory,
        env={**os.environ, "PATH": path},
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            yield running, running.stdin, running.stdout
        finally:
            running.kill()


def asked_words(directory: Path, command: str) -> list[str]:
    """Return the arguments that journalctl gets."""
    with asking(directory, 'printf "%s\\0" "$@"', command) as (running, _, output):
        words = output.read().decode().split("\0")[:-1]
        assert running.wait(timeout=30) == 0
    assert [path.name for path in directory.iterdir()] == ["journalctl"]
    return words


def test_question_is_for_roots_lines_with_the_tags(tmp_path: Path) -> None:
    words = asked_words(tmp_path, question(["a", "b"], "1 hour ago", "", follow=False))
    assert {"--since=1 hour ago", "--identifier=a", "--identifier=b", "_UID=0"} <= {*words}
    assert not [word for word in words if word.startswith(("--grep", "--follow"))]


def test_pattern_is_one_word_whatever_it_holds(tmp_path: Path) -> None:
    words = asked_words(tmp_path, question(["a"], "now", HOSTILE, follow=True))
    assert f"--grep={HOSTILE}" in words
    assert "--follow" in words


def test_following_ends_with_standard_input(tmp_path: Path) -> None:
    command = question(["a"], "now", "", follow=True)
    with asking(tmp_path, "echo begun; exec sleep 600", command) as (running, stdin, output):
        assert output.readline() == b"begun\n"
        assert running.poll() is None
        stdin.close()
        assert running.wait(timeout=30) == -signal.SIGTERM
        # Nothing holds it open any more.
        assert output.read() == b""


def test_all_instances_since_an_hour_ago_are_the_default() -> None:
    asked = wanted({}, fleet())
    assert (asked.since, asked.pattern, asked.follow) == ("1 hour ago", "", False)
    assert asked.tags == {
        "app1": {
            "onetime-7043": "7043",
            "onetime-job-emails": "emails",
            "onetime-job-scheduler": "scheduler",
            "onetime-release": "release",
        },
        "app2": {"onetime-7043": "7043", "onetime-7044": "7044", "onetime-release": "release"},
    }


def test_following_begins_now() -> None:
    asked = wanted({"follow": "1"}, fleet())
    assert (asked.since, asked.follow) == ("now", True)
    assert wanted({"follow": "1", "since": "today"}, fleet()).since == "today"


def test_instance_is_asked_of_the_hosts_that_have_it() -> None:
    assert wanted({"instance": "emails"}, fleet()).tags == {
        "app1": {"onetime-job-emails": "emails"}
    }
    assert wanted({"instance": "7043"}, fleet()).tags.keys() == {"app1", "app2"}


def test_pattern_is_taken_as_it_is() -> None:
    assert wanted({"grep": HOSTILE, "format": "json"}, fleet()).pattern == HOSTILE


@pytest.mark.parametrize(
    "since",
    ["2026-11-30 10:00:00", "-1h", "2 hours ago", "@1796068169.5", "today", "09:30", "+0"],
)
def test_time_is_what_journalctl_takes(since: str) -> None:
    assert wanted({"since": since}, fleet()).since == since


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            {"since": "; reboot"},
            "--data: since: '; reboot' is no time. Say it as journalctl",
        ),
        ({"since": ""}, "--data: since: '' is no time"),
        ({"since": "--file=/etc/shadow"}, "is no time"),
        ({"since": "now\nnow"}, "is no time"),
        ({"follow": "yes"}, "--data: follow: it is 'yes'. Say follow=1"),
        ({"format": "xml"}, "--data: format: it is 'xml'. Say format=json"),
        (
            {"instance": "7045"},
            r"no host has '7045' \(did you mean 7044\?\). Name one of these: 7043, 7044, emails, ",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(words: dict[str, str], sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        wanted(words, fleet())
