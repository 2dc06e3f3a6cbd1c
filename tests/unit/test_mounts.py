"""The words `files` and `volumes`: read here, mounted there, part of the release."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plan.compare.changes import compare
from plan.compare.files import sha256, unshown
from plan.model import HostPlan
from plan.problems import PlanError
from rollout.local_files import local_files
from tests.unit.observed import settings
from tests.unit.planned import altered, as_planned, fresh, lines, observed, plan_one
from tests.unit.tunnels import text

APP = "ghcr.io/onetimesecret/onetimesecret:v0.26.19"
FULL = {
    "SECRET": "x" * 64,
    "REDIS_URL": "redis://maindb:6379/0",
    "AUTHENTICATION_MODE": "full",
    "AUTH_SECRET": "y" * 32,
    "ACCOUNT_ID_SECRET": "z" * 32,
}
BINARY = b"\x89PNG\r\n\xff\x00"


def planned(files: dict[str, str], **data: Any) -> HostPlan:
    return plan_one(replace(observed(**data), files=files))


def read(tmp_path: Path, **files: str) -> dict[str, str]:
    """Return what containers get of files in a directory."""
    words = {f"/app/{name}": source.format(tmp_path) for name, source in files.items()}
    return local_files("h", settings(files=words, instances=[7043]))


def test_files_arrive_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "branding/icons").mkdir(parents=True)
    (tmp_path / "branding/logo.png").write_bytes(BINARY)
    (tmp_path / "branding/icons/a.svg").write_text("<svg/>")
    (tmp_path / "auth.yaml").write_text("mode: {{ simple }}\n")
    files = read(tmp_path, auth="{}/auth.yaml", branding="{}/branding")
    assert files.keys() == {"/app/auth", "/app/branding/logo.png", "/app/branding/icons/a.svg"}
    plan = planned(files)
    mounted = {file.path: file for file in plan.files if file.path.startswith("files/")}
    assert {file.mode for file in mounted.values()} == {0o444}
    assert mounted["files/app/branding/logo.png"].data == BINARY
    assert mounted["files/app/auth"].data == b"mode: {{ simple }}\n"
    container = text(plan, "quadlet/onetime@.container")
    assert "Volume=/etc/onetime/current/files/app/auth:/app/auth:ro,z\n" in container


def test_template_has_the_words_of_the_inventory_and_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("{{ host }} at {{ db_host }}:{{ db_port }}, {{ instances }}\n")
    assert read(tmp_path, t="template:{}/t") == {"/app/t": "h at maindb:6379, (7043,)\n"}
    for word in ("secrets", "release_secrets", "wireguard", "db_hots"):
        (tmp_path / "t").write_text(f"{{{{ {word} }}}}")
        with pytest.raises(
            PlanError, match=rf"h: files: template:.* rendered: '{word}' is undefined"
        ):
            read(tmp_path, t="template:{}/t")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{}/none", "files: {}/none: No such file or directory. Correct the path"),
        ("/dev/null", "files: /dev/null is neither a file nor a directory"),
        ("{}/outside", "files: {}/outside holds away, which is no file of that directory"),
        ("{}/odd", "files: {}/odd holds 'a b', a name of other characters"),
        ("template:{}/broken", "files: template:{}/broken cannot be rendered: unexpected"),
        ("template:{}/fails", "files: template:{}/fails cannot be rendered: division by zero"),
        ("{}/empty", "files: {}/empty holds no file"),
        ("{}/huge", "files: {}/huge has more than 4 MiB"),
        ("{}/large", "files: they are 2 files of 6144 KiB together. Give at most 100"),
        ("{}/many", "files: they are 101 files of 0 KiB together. Give at most 100"),
    ],
)
def test_file_that_cannot_be_given_is_refused(tmp_path: Path, source: str, expected: str) -> None:
    for name in ("outside", "odd", "many", "large", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside/away").symlink_to("/etc/passwd")
    (tmp_path / "odd/a b").touch()
    for number in range(101):
        (tmp_path / f"many/{number}").touch()
    (tmp_path / "broken").write_text("{{ host }} {{ }")
    (tmp_path / "fails").write_text("{{ 1 / 0 }}")
    (tmp_path / "huge").write_bytes(b"x" * (5 << 20))
    for name in ("a", "b"):
        (tmp_path / "large" / name).write_bytes(b"x" * (3 << 20))
    sentence = f"h: {expected.replace('{}', str(tmp_path))}"
    with pytest.raises(PlanError, match=re.escape(sentence)):
        read(tmp_path, x=source)


def test_file_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").touch()
    words = {"/app/d": f"{tmp_path}/d", "/app/d/a": f"{tmp_path}/d/a"}
    with pytest.raises(PlanError, match="gives /app/d/a a second time"):
        local_files("h", settings(files=words))


def test_changed_file_restarts_instances_and_shows() -> None:
    before = planned({"/app/a": "1\n"})
    host = replace(observed(), installed=as_planned(before), files={"/app/a": "2\n"})
    changes = compare(plan_one(host), host.installed)
    assert changes.restart == (7043, 7044)
    assert "files/app/a" in {change.path for change in changes.files}
    assert sha256(b"1\n") != sha256(b"2\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: simple\n", ""),
        ("für alle\n", ""),
        ("-----BEGIN CERTIFICATE-----\nMII\n", ""),
        ("-----BEGIN PRIVATE KEY-----\nMII\n", "holds a private key, 32 bytes"),
        ("cert\n-----BEGIN EC PRIVATE KEY-----\n", "holds a private key, 36 bytes"),
        (BINARY.decode(errors="surrogateescape"), "is no text, 8 bytes"),
    ],
)
def test_text_of_a_file_is_shown_unless_it_is_a_key_or_none(text: str, said: str) -> None:
    assert unshown(text) == said


def test_volume_is_mounted_and_no_part_of_a_release() -> None:
    plan = planned({}, volumes={"/app/data": "onetime-data"})
    assert "Volume=onetime-data:/app/data\n" in text(plan, "quadlet/onetime@.container")
    assert not [file for file in plan.files if "onetime-data" in file.path]


@pytest.mark.parametrize(
    ("files", "volumes"),
    [
        ({"/app/data/a": "a"}, {"/app/data": "d"}),
        ({"/app/etc": "etc"}, {"/app/etc/x": "d"}),
        ({"/app/a": "a"}, {"/app/a": "d"}),
    ],
)
def test_files_and_volumes_do_not_meet(files: dict[str, str], volumes: dict[str, str]) -> None:
    with pytest.raises(PlanError, match=r"volumes: .* are one in the other"):
        settings(files=files, volumes=volumes)


@pytest.mark.parametrize(
    ("volumes", "url", "count"),
    [
        ({"/app/data": "d"}, "sqlite://data/auth.db", 0),
        ({"/app/data": "d"}, None, 1),
        ({"/app/data": "d"}, "sqlite://other/auth.db", 1),
        ({}, "sqlite://data/auth.db", 1),
    ],
)
def test_accounts_in_a_file_are_one_instances_in_a_volume(
    volumes: dict[str, str], url: str | None, count: int
) -> None:
    variables = FULL | ({"AUTH_DATABASE_URL": url} if url else {})
    words: dict[str, Any] = {"image": APP, "environment": variables, "volumes": volumes}
    installed = altered(fresh(), images={APP: "sha256:1"})
    host = replace(observed(**words, instances=[7043]), installed=installed)
    assert len(lines({"a": host})) == count
    several = replace(observed(**words, instances=[7043, 7044]), installed=installed)
    (line,) = lines({"a": several})
    assert "each instance would have accounts of its own" in line


def test_accounts_in_a_file_are_one_hosts() -> None:
    variables = FULL | {"AUTH_DATABASE_URL": "sqlite://data/auth.db"}
    words: dict[str, Any] = {"image": APP, "environment": variables, "instances": [7043]}
    installed = altered(fresh(), images={APP: "sha256:1"})
    hosts = {
        name: replace(
            observed(**words, volumes={"/app/data": "d"}, container_range=container_range),
            installed=installed,
        )
        for name, container_range in (("a", "10.0.0.128/27"), ("b", "10.0.0.160/27"))
    }
    told = lines(hosts)
    assert [line.split(". ")[0] for line in told if "is a file on this host" in line] == [
        f"{name}: secrets: AUTH_DATABASE_URL is a file on this host, where {other} would not see "
        "its accounts"
        for name, other in (("a", "b"), ("b", "a"))
    ]
