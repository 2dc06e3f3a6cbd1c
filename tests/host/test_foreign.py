"""What unit files and environment files say is told, and what may be secret is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "host/foreign.awk"


def told(path: Path, text: str | bytes, kind: str = "unit") -> list[tuple[str, ...]]:
    """Run the program on a file and return section, key and value of each line."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    done = subprocess.run(
        ["awk", "-f", str(PROGRAM), f"kind={kind}", str(path)], capture_output=True, check=True
    )
    lines = [line.split("\t", 4) for line in done.stdout.decode().splitlines()]
    assert all(line[:2] == [kind, str(path)] for line in lines)
    return [tuple(line[2:]) for line in lines]


def environment(path: Path, text: str | bytes) -> dict[str, str]:
    return {name: value for _, name, value in told(path, text, "environment")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "onetime@.container"


def test_settings_are_told_with_their_section(file: Path) -> None:
    text = "[Container]\n# Image=no\n; Image=no\nImage=a:1\n[Install]\nDefaultInstance = 7043\n"
    assert told(file, text) == [
        ("Container", "Image", "a:1"),
        ("Install", "DefaultInstance", "7043"),
    ]


def test_windows_line_ends_and_byte_order_mark(file: Path) -> None:
    text = b"\xef\xbb\xbf[Container]\r\nImage=a:1\r\nNetwork=host\r\n"
    assert told(file, text) == [("Container", "Image", "a:1"), ("Container", "Network", "host")]


def test_continued_lines_may_hold_comments(file: Path) -> None:
    text = "[Container]\nEnvironment=A=1 \\\n# not this\n  B=2\nImage=a:1\n"
    assert told(file, text) == [
        ("Container", "Environment", "A=1"),
        ("Container", "Environment", "B=2"),
        ("Container", "Image", "a:1"),
    ]


def test_file_that_ends_within_a_line(file: Path) -> None:
    assert told(file, "[Container]\nImage=a:1 \\") == [("Container", "Image", "a:1")]


def test_variables_are_split_at_blanks_outside_of_quotes(file: Path) -> None:
    text = '[Container]\nEnvironment="A=x y" \'B="z"\' C=p\\ q D="" =x 1E=2 F\n'
    assert [value for _, _, value in told(file, text)] == ["A=x y", 'B="z"', "C=p q", "D="]


def test_empty_assignment_is_told(file: Path) -> None:
    text = "[Container]\nEnvironment=A=1\nEnvironment=\n"
    assert told(file, text)[-1] == ("Container", "Environment", "")


def test_settings_that_nobody_needs_keep_their_values(file: Path) -> None:
    text = "[Container]\nLabel=password=hunter2\n[Service]\nExecStart=podman run -e A=hunter2 x\n"
    assert told(file, text) == [("Container", "Label", "***"), ("Service", "ExecStart", "***")]


def test_podman_arguments_are_told_by_name(file: Path) -> None:
    text = (
        "[Container]\nPodmanArgs=-e SECRET=hunter2 --network host --env=A=hunter2 "
        "--publish=7043:3000 --Ehunter2 --memory 1g hunter2\n"
    )
    assert [value for _, _, value in told(file, text)] == [
        "-e",
        "--network=host",
        "--env=***",
        "--publish=7043:3000",
        "***",
        "--memory=1g",
    ]


def test_relative_environment_files_are_beside_the_unit(file: Path) -> None:
    text = "[Container]\nEnvironmentFile=app.env\nEnvironmentFile=-/etc/app.env\n"
    assert [value for _, _, value in told(file, text)] == [
        f"{file.parent}/app.env",
        "-/etc/app.env",
    ]


@pytest.mark.parametrize(
    "assignment",
    [
        "SECRET=hunter2",
        "smtp_password=hunter2",
        "STRIPE_API_KEY=hunter2",
        "SENTRY_DSN=https://hunter2@sentry.example/1",
        "ANYTHING=8f1e2d3c4bhunter25b4c3d2e1f0",
        "OPTIONS=host=a;password=hunter2",
        "MAIL=bot:hunter2@mail.example",
        "HOOK=https://example.org/?token=hunter2",
        "X=https://example.org/path?hunter2",
        "REDIS_URL=redis://:hunter2@maindb:6379/0",
        "REDIS_URL=redis://user:hunter2@@hunter2:/@maindb:6379/0",
        "LIST=amqp://u:hunter2@a,amqp://u:hunter2@b",
    ],
)
def test_what_may_be_secret_stays_on_the_host(file: Path, assignment: str) -> None:
    name = assignment.partition("=")[0]
    assert "hunter2" not in str(environment(file, f"{assignment}\n"))
    assert name in environment(file, f"{assignment}\n")
    assert "hunter2" not in str(told(file, f'[Container]\nEnvironment="{assignment}"\n'))


def test_address_keeps_what_it_leads_to(file: Path) -> None:
    text = (
        "REDIS_URL=redis://u:hunter2@maindb:6379/0?x=y\nHOST=a.example\nPLAIN=redis://b:1/0\n"
        "VALKEY_URL=redis://:hunter2@maindb\n"
    )
    assert environment(file, text) == {
        "REDIS_URL": "redis://***@maindb:6379/0?***",
        "VALKEY_URL": "redis://***@maindb",
        "HOST": "a.example",
        "PLAIN": "redis://b:1/0",
    }


@pytest.mark.parametrize(
    "text",
    [
        'KEY="-----BEGIN PRIVATE KEY-----\nhunter2abc==\n-----END PRIVATE KEY-----"\nA=1\n',
        "CERT=-----BEGIN X-----\nhunter2abc==\n-----END X-----\nA=1\n",
        'NOTE="first\nhunter2=second\nthird"\nA=1\n',
    ],
)
def test_lines_of_a_value_of_several_lines_are_no_variables(file: Path, text: str) -> None:
    variables = environment(file, text)
    assert "hunter2" not in str(variables)
    assert variables["A"] == "1"
    assert len(variables) == 2


def test_environment_file_of_odd_lines(file: Path) -> None:
    text = b"\xef\xbb\xbfA=1\r\n\r\n# B=2\n  C=3\nD\nexport E=5\n=6\nF-G=7\nroot:x:0:0\nH=8"
    assert environment(file, text) == {"A": "1", "C": "3", "H": "8"}


def test_each_file_begins_anew(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text('[Container]\nImage=a:1\nEnvironment=A="x \\')
    second.write_text("Image=b:1\n[Container]\nImage=c:1\n")
    done = subprocess.run(
        ["awk", "-f", str(PROGRAM), "kind=unit", str(first), str(second)],
        capture_output=True,
        check=True,
        text=True,
    )
    lines = [line.split("\t")[1:] for line in done.stdout.splitlines()]
    assert lines == [
        [str(first), "Container", "Image", "a:1"],
        [str(first), "Container", "Environment", "A=x"],
        [str(second), "", "Image", "b:1"],
        [str(second), "Container", "Image", "c:1"],
    ]
