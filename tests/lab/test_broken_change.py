"""Changes that meet something broken: commands that hang or fail, kills, prunes, other operators.

What is broken is broken for the switch alone.
"""

from __future__ import annotations

import dataclasses
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from lab import api
from tests.lab.broken import IN_THE_SWITCH, broken
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, PYINFRA, ROOT, Site, check_paths, ssh, started, wait_until

HOST = "plain13"
CURRENT = "readlink /etc/onetime/current"


def change(site: Site, value: str, **more: object) -> Site:
    """Return the inventory with another environment, which restarts every instance."""
    everywhere = {"environment": {"ONETIME_TEST_CHANGE": value}, **more}
    return dataclasses.replace(site, everywhere=everywhere)


def image(tag: str) -> dict[str, object]:
    return {"image": f"localhost/onetime-lab:{tag}", "image_archive": str(api.image_archive(tag))}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.fixture(autouse=True)
def converged(site: Site) -> Iterator[None]:
    """The next deploy puts right whatever a test has left, and every path answers."""
    yield
    site.deploy_twice()
    check_paths(site.hosts)


def test_command_that_hangs_is_ended_and_told(site: Site) -> None:
    before = ssh(HOST, CURRENT)
    with broken(HOST, "podman", '"network rm"*', "exec sleep 600", only=IN_THE_SWITCH):
        run = change(site, "hangs", publish_subnet="10.89.78.0/24").deploy()
    assert run.code != 0, run.output
    assert "podman network rm onetime-publish has not ended within 60 seconds" in run.output
    assert ssh(HOST, CURRENT) == before
    check_paths(site.hosts)


def test_reload_of_systemd_that_fails_is_a_failure(site: Site) -> None:
    before = ssh(HOST, CURRENT)
    with broken(HOST, "systemctl", "daemon-reload", "exit 1", only=IN_THE_SWITCH):
        run = change(site, "reload").deploy()
    assert run.code != 0, run.output
    assert ssh(HOST, CURRENT) == before
    assert "ONETIME_TEST_CHANGE" not in ssh(HOST, "podman exec onetime-7043 env")
    check_paths(site.hosts)


def test_verdict_outlives_a_kill(site: Site) -> None:
    """Killed on its way back, the switch does not go forward again."""
    before, running = ssh(HOST, CURRENT), started(HOST)
    kill = (
        "until grep -q 'going back' /run/onetime/log; do sleep 0.05; done 2>/dev/null; "
        "systemctl kill --signal=KILL onetime-switch"
    )
    ssh(HOST, "rm -f /run/onetime/log")
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(api.ssh, HOST, f'timeout 120 sh -c "{kill}"')
        run = change(site, "verdict", **image("exits")).deploy()
        assert killed.result().returncode == 0
    assert run.code != 0, run.output
    assert ssh(HOST, CURRENT) == before
    # The rejected release reached one instance.
    assert started(HOST)["onetime-7044"] == running["onetime-7044"]
    check_paths(site.hosts)


def test_prune_during_a_change_of_networks_loses_no_image(site: Site) -> None:
    moment = "! systemctl is-active --quiet onetime@7043"
    prune = f"until {moment}; do sleep 0.02; done; podman system prune --all --force"
    with ThreadPoolExecutor() as pool:
        pruned = pool.submit(api.ssh, HOST, f"timeout 120 sh -c '{prune}'")
        run = change(site, "prune", publish_subnet="10.89.77.0/24").deploy()
        assert pruned.result().returncode == 0
    wait_until(HOST, "[ ! -e /etc/onetime/switching ]")
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}", seconds=60)
    check_paths(site.hosts)
    assert run.code in {0, 1}


def test_first_instance_is_watched_where_networks_change(site: Site) -> None:
    before = ssh(HOST, CURRENT)
    run = change(site, "watch", publish_subnet="10.89.76.0/24", **image("dies")).deploy()
    assert run.code != 0, run.output
    assert "instance 7043 was healthy and did not stay up" in run.output
    assert ssh(HOST, CURRENT) == before
    check_paths(site.hosts)


@contextmanager
def suspended(site: Site, script: str, condition: str) -> Iterator[subprocess.Popen[str]]:
    """Suspend an operator's run once a condition holds on the host; the block lets it go on."""
    process = subprocess.Popen(
        [str(PYINFRA), str(site.inventory()), script, "-y"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(HOST, condition, seconds=60)
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("script", "condition"),
    [
        ("deploy.py", "[ -e /run/onetime/lock ]"),
        ("teardown.py", '[ -z "$(podman ps --quiet --filter name=^onetime-)" ]'),
    ],
)
def test_suspended_operator_changes_nothing_of_the_nexts(
    site: Site, script: str, condition: str
) -> None:
    """His lock has lapsed, and another has deployed since."""
    with suspended(change(site, "his", **image("2")), script, condition) as process:
        change(site, "the next's").deploy_twice()
        before, running = ssh(HOST, CURRENT), started(HOST)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode != 0, output
    assert "run it again" in output
    assert (ssh(HOST, CURRENT), started(HOST)) == (before, running)
    assert "the next's" in ssh(HOST, "podman exec onetime-7043 env")


def test_claim_of_a_live_instances_address_is_told(site: Site) -> None:
    address = ssh(
        HOST,
        "podman container inspect --format "
        "'{{.NetworkSettings.Networks.onetime.IPAddress}}' onetime-7043",
    )
    mac = api.run_in("maindb", ["cat", "/sys/class/net/eth0/address"]).stdout.strip()
    claim = ["ip", "address", "add", f"{address}/32", "dev", "eth0"]
    assert api.run_in("maindb", claim).returncode == 0
    try:
        told = f"{address}, instance 7043's, is answered by {mac} on the LAN"
        assert told in site.deploy().output
        status = site.pyinfra("status.py")
        assert (status.code, told in status.output) == (1, True), status.output
    finally:
        api.run_in("maindb", [word if word != "add" else "del" for word in claim])
