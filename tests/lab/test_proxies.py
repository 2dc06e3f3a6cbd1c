"""The proxies that operators are given, with certificates: people log in and are who they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import api, shapes
from lab.app import stand_in
from lab.shell import run
from tests.lab.balancer import (
    PUBLIC,
    caddy,
    caddy_config,
    haproxy,
    haproxy_config,
    places,
    proxy,
)
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, ssh

HOSTS = ("plain16",)
DOOR = 8443
URL = f"https://{PUBLIC}:{DOOR}"
ACCOUNT = "somebody@example.com"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    """A host with the app as docs/load-balancer.md has it behind a proxy."""
    everywhere = {
        "image": f"{stand_in.REPOSITORY}:1",
        "image_archive": str(stand_in.archive()),
        "health_command": "curl -fsS http://127.0.0.1:<port><health_path>",
        "publish_address": "private",
        "environment": {
            "SECRET": "of-this-test-alone",
            "REDIS_URL": "redis://maindb:6379/0",
            "TRUSTED_PROXY_ENABLED": "true",
        },
    }
    site = dataclasses.replace(fresh(*HOSTS), everywhere=everywhere)
    site.deploy_twice()
    ssh(HOSTS[0], f"podman exec onetime-7043 bin/ots customers create {ACCOUNT}")
    return site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the proxy's address, and its key beside it."""
    directory = tmp_path_factory.mktemp("certificate")
    names = ("-subj", "/CN=proxy", "-addext", f"subjectAltName=IP:{PUBLIC}")
    files = ("-keyout", str(directory / "key"), "-out", str(directory / "certificate"))
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2")
    run(*made, *names, *files)
    both = (directory / "certificate").read_text() + (directory / "key").read_text()
    (directory / "both.pem").write_text(both)
    return directory


def command(kind: str, directory: Path, certificate: Path) -> list[str]:
    if kind == "haproxy":
        door = f"bind :{DOOR} ssl crt {certificate / 'both.pem'}"
        return haproxy(directory, haproxy_config(HOSTS, PORTS, [door]))
    tls = f"tls {certificate / 'certificate'} {certificate / 'key'}"
    return caddy(directory, caddy_config(HOSTS, PORTS, URL, tls))


class Browser:
    """A client outside that keeps cookies, and trusts the certificate."""

    def __init__(self, directory: Path, certificate: Path) -> None:
        self._argv = [
            *("curl", "-sS", "-m", "10", "--cacert", str(certificate / "certificate")),
            *("--cookie", str(directory / "jar"), "--cookie-jar", str(directory / "jar")),
        ]

    def ask(self, path: str, *arguments: str) -> str:
        done = api.run_in("outside", [*self._argv, *arguments, f"{URL}{path}"])
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def behind(kind: str, directory: Path, certificate: Path) -> Iterator[Browser]:
    argv = command(kind, directory, certificate)
    trusting = ("curl", "-fs", "-m", "2", "--cacert", str(certificate / "certificate"))
    with proxy(argv, directory, (*trusting, f"{URL}/api/v2/status")):
        yield Browser(directory, certificate)


@pytest.mark.parametrize("kind", ["haproxy", "caddy"])
def test_somebody_logs_in_and_is_who_they_are(
    site: Site, tmp_path: Path, certificate: Path, kind: str
) -> None:
    assert site.hosts == HOSTS
    with behind(kind, tmp_path, certificate) as browser:
        assert browser.ask("/account") == "log in"
        assert browser.ask("/login", "-d", f"login={ACCOUNT}") == f"welcome {ACCOUNT}"
        # Whichever instance answers.
        for _ in range(4):
            assert browser.ask("/account") == f"account {ACCOUNT}"
        client = f"client={shapes.PUBLIC_GATEWAY}"
        assert client in browser.ask("/whoami").splitlines()
        forged = ("-H", "X-Forwarded-For: 198.51.100.99", "-H", "X-Forwarded-Proto: http")
        assert client in browser.ask("/whoami", *forged).splitlines()
        assert browser.ask("/account", *forged) == f"account {ACCOUNT}"


def test_without_a_proxy_nobody_logs_in(site: Site) -> None:
    """Over plain http the app writes no session, so the tests above can fail."""
    place, *_ = places(site.hosts, PORTS)
    login = ["curl", "-s", "-m", "5", "-d", f"login={ACCOUNT}", f"http://{place}/login"]
    assert api.run_in("maindb", login).stdout == "no session"


@pytest.mark.parametrize("kind", ["haproxy", "caddy"])
def test_instance_that_stops_is_not_noticed(
    site: Site, tmp_path: Path, certificate: Path, kind: str
) -> None:
    with behind(kind, tmp_path, certificate) as browser:
        ssh(site.hosts[0], "systemctl stop onetime@7044")
        try:
            for _ in range(20):
                assert "version=1" in browser.ask("/whoami")
        finally:
            ssh(site.hosts[0], "systemctl start onetime@7044")
