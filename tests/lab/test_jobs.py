"""The app in full mode: accounts in PostgreSQL, a queue, workers, one scheduler for all."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import api, services
from lab.app import stand_in
from tests.lab.balancer import balancer, under_load
from tests.lab.conftest import Fresh
from tests.lab.harness import Run, Site, check_paths, ssh, started, wait_until

HOSTS = ("plain16", "plain18")
SECRETS = {
    "SECRET": "of-this-test-alone",
    "AUTH_SECRET": "a" * 32,
    "ACCOUNT_ID_SECRET": "b" * 32,
    "AUTH_DATABASE_URL": f"postgres://{services.USER}:{services.PASSWORD}@authdb/postgres",
    "RABBITMQ_URL": f"amqp://{services.USER}:{services.PASSWORD}@rabbitmq:5672",
}
ACCOUNT = "somebody@example.com"
RATE, CLIENTS, REQUESTS = 150.0, 32, 20_000
JOBS = "podman ps --format '{{.Names}}' --filter name=^onetime-job | sort"


class Full(Site):
    """An inventory whose secrets the operator has in the environment."""

    def pyinfra(self, *arguments: str, env: Any = None) -> Run:
        given = {f"TEST_{name}": value for name, value in SECRETS.items()}
        return super().pyinfra(*arguments, env={**given, **(env or {})})


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Iterator[Full]:
    hosts = fresh(*HOSTS)
    places = services.up()
    protocols = {"authdb": "postgresql", "rabbitmq": "amqp"}
    everywhere = {
        "image": f"{stand_in.REPOSITORY}:1",
        "image_archive": str(stand_in.archive()),
        "health_command": "curl -fsS http://127.0.0.1:<port><health_path>",
        "environment": {"REDIS_URL": "redis://maindb:6379/0", "AUTHENTICATION_MODE": "full"},
        "secrets": {name: f"env:TEST_{name}" for name in SECRETS},
        "services": {
            name: {"address": places[name][0], "port": places[name][1], "protocol": protocol}
            for name, protocol in protocols.items()
        },
        "egress": "services",
        "workers": ["emails"],
        "worker_health_command": "bin/ots worker --check",
    }
    # The first of the inventory, and the last to change.
    site = Full(hosts.directory, hosts.hosts, everywhere, {HOSTS[0]: {"scheduler": True}})
    site.deploy_twice()
    ssh(HOSTS[1], f"podman exec onetime-7043 bin/ots customers create {ACCOUNT}")
    yield site
    for name in protocols:
        services.stop(name)


def check_jobs() -> None:
    assert ssh(HOSTS[0], JOBS).split() == ["onetime-job-emails", "onetime-job-scheduler"]
    assert ssh(HOSTS[1], JOBS).split() == ["onetime-job-emails"]
    for host in HOSTS:
        health = "podman inspect --format '{{.State.Health.Status}}' onetime-job-emails"
        assert ssh(host, health) == "healthy"
        log = ssh(host, "journalctl --no-pager -t onetime-job-emails")
        assert "worker is at work" in log
    login = f"curl -s -H 'X-Forwarded-Proto: https' -d login={ACCOUNT} http://127.0.0.1:7044/login"
    for host in HOSTS:
        assert ssh(host, login) == f"welcome {ACCOUNT}"
    check_paths(HOSTS, inside=False)


@pytest.mark.parametrize("mode", ["macvlan", "routed"])
def test_full_mode_runs_with_its_jobs(site: Full, mode: str) -> None:
    everywhere = {**site.everywhere, "network_mode": mode}
    dataclasses.replace(site, everywhere=everywhere).deploy_twice()
    check_jobs()
    status = site.pyinfra("status.py")
    assert "scheduler" in status.output


def test_scheduler_stops_first_and_starts_last(site: Full) -> None:
    site.deploy_twice()
    newer = {"image": f"{stand_in.REPOSITORY}:2", "image_archive": str(stand_in.archive("2"))}
    run = dataclasses.replace(site, everywhere={**site.everywhere, **newer}).deploy()
    assert run.code == 0, run.output
    assert "Stop the scheduler until" in run.output
    starts = {(host, name): when for host in HOSTS for name, when in started(host).items()}
    scheduler = starts.pop((HOSTS[0], "onetime-job-scheduler"))
    assert scheduler > max(starts.values())
    log = "journalctl -u onetime-job@scheduler -o short-iso-precise"
    stopped = ssh(HOSTS[0], f"{log} | grep Stopping | tail -n 1").split()[0].replace("T", " ")
    assert stopped < min(starts.values())
    # Its host is the inventory's first, and comes last for it.
    web = {host: starts[host, "onetime-7043"] for host in HOSTS}
    assert web[HOSTS[1]] < web[HOSTS[0]]
    check_jobs()


def test_worker_without_its_queue_brings_its_host_back(site: Full) -> None:
    site.deploy_twice()
    before = {host: started(host) for host in HOSTS}
    wrong = {"worker_command": ["bin/ots", "nonsense"]}
    run = dataclasses.replace(site, everywhere={**site.everywhere, **wrong}).deploy()
    assert run.code != 0, run.output
    assert "job emails did not start" in run.output
    assert "unknown command: nonsense" in run.output
    for host in HOSTS:
        for name in ("onetime-7043", "onetime-7044"):
            assert started(host)[name] == before[host][name]
    check_jobs()


def test_jobs_come_back_after_a_crash_and_a_reboot(site: Full) -> None:
    site.deploy_twice()
    ssh(HOSTS[0], "podman kill onetime-job-emails onetime-job-scheduler")
    for job in ("emails", "scheduler"):
        wait_until(HOSTS[0], f"systemctl is-active --quiet onetime-job@{job}", seconds=60)
    api.reboot(HOSTS[0])
    for job in ("emails", "scheduler"):
        wait_until(HOSTS[0], f"systemctl is-active --quiet onetime-job@{job}", seconds=120)
    site.deploy_twice()
    check_jobs()


def test_second_scheduler_is_refused(site: Full) -> None:
    both = {host: {"scheduler": True} for host in HOSTS}
    run = dataclasses.replace(site, by_host=both).deploy()
    assert run.code != 0
    assert f"{HOSTS[1]}: scheduler: {HOSTS[0]} has one, too" in run.output


def test_jobs_that_leave_the_inventory_go(site: Full) -> None:
    without = {**site.everywhere, "workers": []}
    dataclasses.replace(site, everywhere=without, by_host={}).deploy_twice()
    for host in HOSTS:
        assert ssh(host, JOBS) == ""
    site.deploy_twice()
    check_jobs()


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["haproxy", "caddy"])
@pytest.mark.parametrize("mode", ["macvlan", "routed"])
def test_image_changes_lose_none_of_twenty_thousand_requests(
    site: Full, tmp_path: Path, mode: str, kind: str
) -> None:
    """Clients keep their connections; the image changes to and fro for as long as it takes."""
    in_mode = dataclasses.replace(site, everywhere={**site.everywhere, "network_mode": mode})
    in_mode.deploy_twice()
    changes = 0
    with balancer(tmp_path, HOSTS, kind=kind), under_load(rate=RATE, clients=CLIENTS) as load:
        end = time.monotonic() + REQUESTS / RATE
        while time.monotonic() < end:
            tag = "21"[changes % 2]
            image = {
                "image": f"{stand_in.REPOSITORY}:{tag}",
                "image_archive": str(stand_in.archive(tag)),
            }
            run = dataclasses.replace(in_mode, everywhere={**in_mode.everywhere, **image}).deploy()
            assert run.code == 0, run.output
            changes += 1
    print(f"{mode} {kind}: {changes} changes, {load}")
    assert not load.failed, str(load)
    assert len(load.answers) >= REQUESTS
    check_jobs()
