"""Secrets are found in variables, files and what programs print; what is not there is said."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rollout.secret_sources import read_source


def command(*argv: str) -> str:
    return f"command:{json.dumps(argv)}"


def python(program: str) -> str:
    return command(sys.executable, "-c", program)


def test_value_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETIME_TEST_VALUE", "hunter2")
    assert read_source("env:ONETIME_TEST_VALUE") == b"hunter2"


def test_content_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"\xffhunter2\n")
    assert read_source(f"file:{path}") == b"\xffhunter2\n"


def test_output_of_a_program_without_a_shell() -> None:
    assert read_source(command("echo", "$HOME; true")) == b"$HOME; true\n"


def test_program_is_run_once_whatever_asks_for_it(tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    source = python(f"open({str(counter)!r}, 'a').write('x')")
    assert [read_source(source), read_source(source)] == [b"", b""]
    assert counter.read_text() == "x"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("env:ONETIME_TEST_MISSING", "is not set"),
        ("file:/nowhere", "cannot be read: No such file"),
        ("file:/", "cannot be read: Is a directory"),
        (command("/nowhere"), "cannot be run: No such file"),
        (python("print('hunter2'); raise SystemExit(3)"), "ended with exit code 3"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_quoted(source: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        read_source(source)
    assert "hunter2" not in str(raised.value)
