"""Files and volumes of the operator's on a real host: what containers see, and what stays."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, ssh, started

HOST = "plain15"
BINARY = bytes(range(256)) * 16
KEY = "-----BEGIN EC PRIVATE KEY-----\nMII{}\n-----END EC PRIVATE KEY-----\n"
VOLUME = "onetime-data"
NOTE = "/app/data/note"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the operator has: a file, a template, a directory with a picture."""
    directory = tmp_path_factory.mktemp("source")
    (directory / "branding").mkdir()
    (directory / "branding/logo.png").write_bytes(BINARY)
    (directory / "auth.yaml").write_text("mode: simple\n")
    (directory / "key.pem").write_text(KEY.format("old"))
    (directory / "config.yaml.j2").write_text("host: {{ host }}\ndatabase: {{ db_host }}\n")
    return directory


@pytest.fixture(scope="module")
def site(fresh: Fresh, source: Path) -> Site:
    everywhere = {
        "files": {
            "/app/etc/auth.yaml": f"{source}/auth.yaml",
            "/app/etc/config.yaml": f"template:{source}/config.yaml.j2",
            "/app/etc/branding": f"{source}/branding",
            "/app/etc/tls/key.pem": f"{source}/key.pem",
        },
        "volumes": {"/app/data": VOLUME},
    }
    site = dataclasses.replace(fresh(HOST), everywhere=everywhere)
    site.deploy_twice()
    return site


def changed(site: Site, **more: Any) -> Site:
    return dataclasses.replace(site, everywhere={**site.everywhere, **more})


def inside(port: int, command: str) -> str:
    return ssh(HOST, f"podman exec onetime-{port} {command}")


def test_containers_see_the_files_as_they_are(site: Site) -> None:
    digest = hashlib.sha256(BINARY).hexdigest()
    for port in PORTS:
        assert inside(port, "cat /app/etc/auth.yaml") == "mode: simple"
        assert inside(port, "cat /app/etc/config.yaml") == f"host: {HOST}\ndatabase: maindb"
        assert inside(port, "sha256sum /app/etc/branding/logo.png").split()[0] == digest
        write = f"podman exec onetime-{port} sh -c 'echo x >/app/etc/auth.yaml'"
        assert api.ssh(HOST, write).returncode != 0
        # The app's own user reads them, whoever that is.
        assert ssh(HOST, f"podman exec --user 1001:1001 onetime-{port} cat /app/etc/auth.yaml") == (
            "mode: simple"
        )
    check_paths(site.hosts)


def test_nobody_else_on_the_host_reads_them(site: Site) -> None:
    path = "/etc/onetime/current/files/app/etc/auth.yaml"
    assert ssh(HOST, f"cat {path}") == "mode: simple"
    stranger = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    assert api.ssh(HOST, f"{stranger} cat {path}").returncode != 0
    assert api.ssh(HOST, f"{stranger} ls /etc/onetime/current/files").returncode != 0
    assert site.hosts == (HOST,)


def test_changed_file_shows_restarts_and_is_rolled_back(site: Site, source: Path) -> None:
    site.deploy_twice()
    running = started(HOST)
    (source / "auth.yaml").write_text("mode: full\n")
    (source / "branding/logo.png").write_bytes(BINARY[::-1])
    (source / "key.pem").write_text(KEY.format("new"))
    dry = site.pyinfra("deploy.py", "--dry", "--diff")
    assert dry.code == 2, dry.output
    assert "- mode: simple" in dry.output
    assert "+ mode: full" in dry.output
    assert f"it is no text, {len(BINARY)} bytes" in dry.output
    assert f"it holds a private key, {len(KEY.format('new'))} bytes" in dry.output
    assert "MII" not in dry.output
    assert started(HOST) == running
    site.deploy_twice()
    assert started(HOST).keys() == running.keys()
    assert not started(HOST).items() & running.items()
    assert inside(7043, "cat /app/etc/auth.yaml") == "mode: full"
    back = site.pyinfra("rollback.py", "-y")
    assert back.code == 0, back.output
    assert inside(7044, "cat /app/etc/auth.yaml") == "mode: simple"
    (source / "auth.yaml").write_text("mode: simple\n")
    (source / "branding/logo.png").write_bytes(BINARY)
    site.deploy_twice()


def test_files_outlast_the_releases_that_they_came_with(site: Site) -> None:
    """Containers that are not restarted run on from a release that is long removed."""
    site.deploy_twice()
    running = started(HOST)
    for turn in range(7):
        # Changes the host's side alone.
        run = changed(site, shim=turn % 2 == 0).deploy()
        assert run.code == 0, run.output
    assert started(HOST) == running
    for port in PORTS:
        assert inside(port, "cat /app/etc/auth.yaml") == "mode: simple"
        assert inside(port, "ls /app/etc/branding") == "logo.png"
    site.deploy_twice()


def test_volume_outlives_whatever_happens_to_containers(site: Site) -> None:
    site.deploy_twice()
    inside(7043, f"sh -c 'echo kept >{NOTE}'")
    assert inside(7044, f"cat {NOTE}") == "kept"
    moved = changed(site, network_mode="routed", environment={"ONETIME_TEST_A": "1"})
    moved.deploy_twice()
    assert inside(7043, f"cat {NOTE}") == "kept"
    back = moved.pyinfra("rollback.py", "-y")
    assert back.code == 0, back.output
    assert inside(7044, f"cat {NOTE}") == "kept"
    site.deploy_twice()

    gone = site.pyinfra("teardown.py", "-y")
    assert gone.code == 0, gone.output
    assert f"keeps {VOLUME}" in gone.output
    assert VOLUME in ssh(HOST, "podman volume ls --quiet")
    site.deploy_twice()
    assert inside(7043, f"cat {NOTE}") == "kept"

    gone = site.pyinfra("teardown.py", "-y", "--data", "remove_data=True")
    assert gone.code == 0, gone.output
    assert VOLUME not in ssh(HOST, "podman volume ls --quiet")
    assert ssh(HOST, "ls -d /etc/onetime 2>/dev/null || :") == ""
    site.deploy_twice()
    assert api.ssh(HOST, f"podman exec onetime-7043 cat {NOTE}").returncode != 0
