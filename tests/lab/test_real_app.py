"""What the real app does differently from the small one: here by its stand-in, on two hosts."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import api, netns, services, shell
from lab.app import stand_in
from tests.lab.balancer import balancer, under_load
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Run, Site, check_paths, page, ssh, started, wait_until

HOSTS = ("plain16", "plain18")
SECRET = "a-secret-of-the-lab-and-no-other"  # noqa: S105
REDIS = f"redis://{services.USER}:{services.PASSWORD}@maindb:6379/0"
ACCOUNT = "colonel@example.com"


class App(Site):
    """An inventory whose secrets the operator has in the environment."""

    def pyinfra(self, *arguments: str, env: Any = None) -> Run:
        return super().pyinfra(
            *arguments, env={"TEST_SECRET": SECRET, "TEST_REDIS": REDIS, **(env or {})}
        )


def image(tag: str) -> dict[str, Any]:
    return {
        "image": f"{stand_in.REPOSITORY}:{tag}",
        "image_archive": str(stand_in.archive(tag)),
    }


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Iterator[App]:
    """Two hosts with the app as an operator would have it, behind a redis that asks who comes."""
    hosts = fresh(*HOSTS)
    address, port = services.up()["strict"]
    everywhere = {
        **image("1"),
        "health_command": "curl -fsS http://127.0.0.1:<port><health_path>",
        "db_address": address,
        "db_port": port,
        "secrets": {"SECRET": "env:TEST_SECRET", "REDIS_URL": "env:TEST_REDIS"},
    }
    site = App(hosts.directory, hosts.hosts, everywhere)
    site.deploy_twice()
    yield site
    services.stop("strict")


def public(host: str) -> str:
    return next(it.public_address for it in api.hosts() if it.name == host)


def changed(site: App, **more: Any) -> App:
    return dataclasses.replace(site, everywhere={**site.everywhere, **more})


def check_app(site: App) -> None:
    """Check every page from everywhere, that the account is there, and who the app runs as."""
    check_paths(site.hosts, inside=False)
    for host in site.hosts:
        for port in PORTS:
            status = json.loads(
                ssh(host, f"curl -fsS http://127.0.0.1:{port}/api/v2/status"),
            )
            assert status["status"] == "nominal"
            assert ssh(host, f"podman exec onetime-{port} id -u") == "1001"


def log_in(host: str, port: int, *, scheme: str) -> str:
    """Return the answer to a login as a proxy that speaks the scheme passes it on."""
    return ssh(
        host,
        f"curl -s -H 'X-Forwarded-Proto: {scheme}' -d login={ACCOUNT} "
        f"http://127.0.0.1:{port}/login",
    )


def test_app_runs_as_its_own_user_and_serves(site: App) -> None:
    check_app(site)
    ssh(HOSTS[0], f"podman exec onetime-7043 bin/ots customers create {ACCOUNT} --role colonel")
    assert log_in(HOSTS[1], 7044, scheme="https") == f"welcome {ACCOUNT}"
    assert log_in(HOSTS[1], 7044, scheme="http") == "no session"


def test_ordinary_stop_is_no_failure(site: App) -> None:
    host = HOSTS[0]
    ssh(host, "systemctl stop onetime@7044")
    state = "systemctl show --property=ActiveState,Result --value onetime@7044"
    assert set(ssh(host, state).split()) == {"inactive", "success"}
    ssh(host, "systemctl start onetime@7044")
    check_app(site)


def test_image_change_under_keep_alive_load_loses_nothing(site: App, tmp_path: Path) -> None:
    site.deploy_twice()
    newer = changed(site, **image("2"))
    with balancer(tmp_path, HOSTS), under_load(clients=20) as load:
        run = newer.deploy()
    assert run.code == 0, run.output
    assert not load.failed, str(load)
    assert load.versions() == {"1", "2"}
    print(load)
    newer.deploy_twice()
    check_app(newer)
    assert log_in(HOSTS[0], 7043, scheme="https") == f"welcome {ACCOUNT}"


def test_worker_that_hangs_in_its_stop_is_not_waited_for(site: App, tmp_path: Path) -> None:
    hanging = {**image("1"), "environment": {"ONETIME_TEST_HANG": "1"}}
    changed(site, **hanging).deploy_twice()
    with balancer(tmp_path, HOSTS), under_load(clients=20) as load:
        run = site.deploy()
    assert run.code == 0, run.output
    assert not load.failed, str(load)
    print(load)
    check_app(site)


def test_secret_that_is_missing_is_named_above_the_backtrace(site: App) -> None:
    site.deploy_twice()
    before, running = ssh(HOSTS[0], "readlink /etc/onetime/current"), started(HOSTS[1])
    run = site.pyinfra("deploy.py", "-y", env={"TEST_SECRET": "CHANGEME"})
    assert run.code != 0, run.output
    # Stars stand for the value, even for that one.
    assert "Global secret cannot be nil or *****" in run.output
    # The app tells where its database is, and how it logs in there.
    assert services.PASSWORD not in run.output
    assert ssh(HOSTS[0], "readlink /etc/onetime/current") == before
    assert started(HOSTS[1]) == running
    check_app(site)


def test_database_that_goes_and_comes_restarts_nothing(site: App) -> None:
    site.deploy_twice()
    running = {host: started(host) for host in HOSTS}
    services.stop("strict")
    try:
        done = api.run_in(
            "outside",
            [
                "curl",
                "-s",
                "-m",
                "20",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                f"http://{public(HOSTS[0])}:7043/api/v2/status",
            ],
        )
        assert done.stdout in {"500", "000"}
        wait_until(
            HOSTS[0],
            "podman ps --format '{{.Status}}' --filter name=onetime-7043 | grep -q unhealthy",
            seconds=200,
        )
        assert {host: started(host) for host in HOSTS} == running
    finally:
        services.up()
    for host in HOSTS:
        for port in PORTS:
            wait_until(host, f"curl -fs -m 9 http://127.0.0.1:{port}/api/v2/status", seconds=60)
    assert {host: started(host) for host in HOSTS} == running
    again = site.deploy()
    assert (again.code, again.changed) == (0, 0), again.output


def test_long_request_is_finished_before_its_instance_stops(site: App) -> None:
    site.deploy_twice()
    address = public(HOSTS[0])
    assert page("outside", address, 7043)["version"] == "1"
    slow = netns.inside("outside", ["curl", "-s", "-m", "60", f"http://{address}:7043/slow?8"])
    asked = netns.inside(
        "outside", ["sh", "-c", "ss -Htn state established dport = :7043 | grep ."]
    )
    process = subprocess.Popen(slow, stdout=subprocess.PIPE, text=True)
    try:
        shell.wait_until(lambda: shell.succeeds(*asked), what="the request", seconds=10)
        ssh(HOSTS[0], "systemctl restart onetime@7043")
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert output == "slept"
    check_app(site)
