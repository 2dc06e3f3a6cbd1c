"""The command that runs once: what it gets, what it says, how it ends, and what is left of it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.host.machine import Machine, Result


@pytest.fixture
def once(machine: Machine) -> Path:
    # Signs of life come as late as on a host.
    (machine.state / "meanwhile").write_text('exec /bin/sleep "$@"\n')
    return machine.release(1, "release-command") / "host/once.sh"


def run(machine: Machine, once: Path, command: str, *, limit: int = 60, stdin: str = "") -> Result:
    """Run the words of a migration, which do in the container what `command` does."""
    (machine.state / "command").write_text(command)
    return machine.run(once, "release", str(limit), "bin/ots", "migrate", "a b", stdin=stdin)


def call(machine: Machine) -> str:
    (line,) = [line for line in machine.calls("podman") if line.startswith("run ")]
    return line


def test_command_gets_what_an_instance_gets(machine: Machine, once: Path) -> None:
    result = run(machine, once, "exit 0")
    assert (result.code, result.output) == (0, "")
    line = call(machine)
    assert line.endswith(" localhost/onetime-lab:1 bin/ots migrate a b")
    for argument in (
        "--network=host",
        "--add-host=maindb:10.0.0.10",
        "--add-host=authdb:10.0.0.30",
        "--secret=onetime-SECRET-1,type=env,target=SECRET",
        f"--env-file {machine.base}/releases/1/host/../environment",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--read-only",
        "--pull never",
        "--timeout 60",
        "--replace",
    ):
        assert f" {argument} " in line


def test_output_is_told_and_the_exit_code_passed_on(machine: Machine, once: Path) -> None:
    result = run(machine, once, "echo migrating; echo 'no such table' >&2; exit 7")
    assert result.code == 7
    assert result.output.splitlines() == [
        "note: migrating",
        "note: no such table",
        "the release command ended with exit code 7",
    ]


def test_command_that_takes_too_long_is_told_as_that(machine: Machine, once: Path) -> None:
    result = run(machine, once, "exit 137", limit=0)
    assert result.code == 137
    assert result.output == "the release command has not ended within 0 seconds\n"


@pytest.mark.parametrize("code", [0, 3])
def test_own_secrets_come_on_standard_input_and_go(machine: Machine, once: Path, code: int) -> None:
    values = {"TOKEN": "s3cret value\nof two lines", "KEY": "other"}
    stdin = "".join(
        f"{name} {base64.b64encode(value.encode()).decode()}\n" for name, value in values.items()
    )
    result = run(machine, once, f"exit {code}", stdin=stdin)
    assert result.code == code
    given = (machine.state / "given").read_text()
    for name, value in values.items():
        assert value in given
        assert f" --secret=onetime-release-{name},type=env,target={name} " in call(machine)
    assert list((machine.state / "secrets").iterdir()) == []
    assert "s3cret" not in (machine.state / "calls").read_text()
    # What a kill leaves is found by its label.
    created = [line for line in machine.calls("podman") if line.startswith("secret create")]
    assert all("--label onetime.config=once" in line for line in created)


def test_lines_of_the_release_command_are_in_the_journal(machine: Machine, once: Path) -> None:
    run(machine, once, "exit 0")
    assert " --log-driver journald " in call(machine)
    assert " --log-opt=tag=onetime-release " in call(machine)


def test_operators_command_says_what_it_says_and_nothing_more(machine: Machine, once: Path) -> None:
    (machine.state / "command").write_text("echo out; echo 'no such table' >&2; exit 7")
    result = machine.run(once, "run", "bin/ots", "a b", "$(id)")
    assert result.code == 7
    assert result.output.splitlines() == ["out", "no such table"]
    line = call(machine)
    assert line.endswith(" localhost/onetime-lab:1 bin/ots a b $(id)")
    assert " --name onetime-run-" in line
    for argument in ("--timeout 0", "--log-driver none", "--secret=onetime-SECRET-1,type=env,"):
        assert f" {argument}" in line


def test_operators_command_ends_with_standard_input(machine: Machine, once: Path) -> None:
    """It closes when the connection does: the container is removed, and nothing stays behind."""
    (machine.state / "command").write_text(
        "echo begun; until grep -q '^podman rm ' \"$STATE/calls\"; do /bin/sleep 0.05; done\n"
        "exit 137\n"
    )
    with machine.start(once, "run", "bin/ots") as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "begun\n"
        assert program.poll() is None
        program.stdin.close()
        assert program.wait(timeout=30) == 137
    removal = next(line for line in machine.calls("podman") if line.startswith("rm "))
    assert removal.startswith("rm --force --ignore onetime-run-")
