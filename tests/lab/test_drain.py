"""A host that is drained gets no request until told otherwise, whatever happens to it meanwhile."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import api, shapes
from tests.lab.conftest import Fresh
from tests.lab.harness import (
    PORTS,
    Run,
    Site,
    check_paths,
    ssh,
    started,
    wait_until,
)
from tests.lab.reboots import failing, rebooting
from tests.lab.test_gate import REFUSED, ask, request

LANE = "plain1"  # others use both
HOSTS = ("plain2",)
HOST = HOSTS[0]
PUBLIC, PRIVATE = shapes.spec(HOST).public, str(shapes.spec(HOST).private)
# From outside, from a neighbour, from the host itself.
WAYS = {"outside": PUBLIC, "maindb": PRIVATE, HOST: "127.0.0.1"}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.fixture(autouse=True)
def in_service(site: Site) -> Iterator[None]:
    """Put the host back into service after each test, with all of its paths."""
    yield
    api.up(HOST)
    run(site, "undrain")
    assert site.deploy().code == 0
    check_paths(HOSTS)


def run(site: Site, verb: str) -> Run:
    done = site.pyinfra(f"verbs/{verb}.py", "-y")
    assert done.code == 0, done.output
    return done


def drain(site: Site) -> None:
    assert run(site, "drain").changed
    refused()


def refused() -> None:
    answers = {namespace: ask(namespace, address) for namespace, address in WAYS.items()}
    assert answers == dict.fromkeys(WAYS, REFUSED)


def boot() -> str:
    return ssh(HOST, "cat /proc/sys/kernel/random/boot_id")


def all_active() -> None:
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}")


def test_drained_host_finishes_requests_and_refuses_new_ones(site: Site) -> None:
    before = started(HOST)
    with ThreadPoolExecutor() as pool, request("outside", PUBLIC) as begun:
        draining = pool.submit(run, site, "drain")
        for port in PORTS:
            wait_until(HOST, f"nft list table inet onetime-gate-{port} >/dev/null 2>&1")
        refused()
        assert not draining.done()
        answer, _ = begun.communicate("")
        assert answer.startswith("HTTP/1.1 200 OK"), answer
        assert "waits for requests in progress on port 7043" in draining.result().output
    refused()
    # The host's own health checks go on.
    assert started(HOST) == before
    wait_until(HOST, "[ $(podman ps --quiet --filter health=healthy | wc -l) = 2 ]")
    assert run(site, "drain").changed == 0
    assert run(site, "undrain").changed
    check_paths(HOSTS)
    assert run(site, "undrain").changed == 0
    assert started(HOST) == before


def test_status_tells_a_drained_host(site: Site) -> None:
    drain(site)
    status = site.pyinfra("status.py")
    assert status.code == 1
    assert f"{HOST}: drained since 2" in status.output
    assert "the gate before" not in status.output
    ssh(HOST, "systemctl stop onetime-firewall; nft delete table inet onetime-gate-7043")
    assert f"{HOST}: the gate before port 7043 is open" in site.pyinfra("status.py").output
    assert run(site, "drain").changed
    refused()
    ssh(HOST, "systemctl start onetime-firewall")


@pytest.mark.parametrize("hard", [False, True], ids=["reboot", "power cut"])
def test_drained_host_is_so_after_a_boot(site: Site, hard: bool) -> None:
    drain(site)
    api.reboot(HOST, hard=hard)
    all_active()
    refused()
    assert f"{HOST}: drained since 2" in site.pyinfra("status.py").output


@pytest.mark.parametrize(
    "blow",
    ["systemctl restart onetime@7043", "podman kill onetime-7043", "nft flush ruleset"],
)
def test_no_blow_opens_the_gates_of_a_drained_host(site: Site, blow: str) -> None:
    drain(site)
    before = ssh(HOST, "podman inspect --format '{{.Id}}' onetime-7043")
    ssh(HOST, blow)
    if "nft" in blow:
        wait_until(HOST, "[ $(nft list tables | grep -c gate) = 2 ]")
    else:
        wait_until(HOST, f"[ {before} != $(podman inspect --format '{{{{.Id}}}}' onetime-7043) ]")
    all_active()
    refused()


def test_drained_host_is_deployed_and_stays_drained(site: Site) -> None:
    drain(site)
    before = started(HOST)
    changed = dataclasses.replace(site, everywhere={"environment": {"COLOUR": "blue"}})
    deployed = changed.deploy_twice()
    assert f"[{HOST}] " in deployed.output
    assert "the gates stay closed until verbs/undrain.py" in deployed.output
    assert started(HOST).keys() == before.keys()
    assert not set(started(HOST).values()) & set(before.values())
    refused()
    run(site, "undrain")
    check_paths(HOSTS)


def test_drained_host_goes_back_a_release_and_stays_drained(site: Site) -> None:
    dataclasses.replace(site, everywhere={"environment": {"COLOUR": "green"}}).deploy_twice()
    drain(site)
    before = started(HOST)
    back = site.pyinfra("rollback.py", "-y")
    assert back.code == 0, back.output
    assert "the gates stay closed until verbs/undrain.py" in back.output
    assert not set(started(HOST).values()) & set(before.values())
    refused()


def test_reboot_drains_reboots_and_puts_back(site: Site) -> None:
    before = boot()
    with rebooting(site, HOST) as process:
        api.up(HOST)
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert boot() != before
    check_paths(HOSTS)
    assert site.pyinfra("status.py").code == 0


def test_host_that_was_drained_before_its_reboot_stays_so(site: Site) -> None:
    drain(site)
    before = boot()
    with rebooting(site, HOST) as process:
        api.up(HOST)
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "it stays so until verbs/undrain.py" in output
    assert boot() != before
    refused()


def test_reboot_of_a_killed_operator_is_completed_next_time(site: Site) -> None:
    with rebooting(site, HOST) as process:
        process.kill()
    api.up(HOST)
    all_active()
    refused()
    before = boot()
    completed = run(site, "reboot")
    assert "for a reboot, which is over" in completed.output
    # The host has come back from this reboot: there is no second one.
    assert boot() == before
    check_paths(HOSTS)


def test_host_that_does_not_come_back_ends_the_run(site: Site, checkout: Path) -> None:
    names = checkout / "names.py"
    limited = names.read_text().replace("BOOT_LIMIT = 900", "BOOT_LIMIT = 5")
    names.write_text(limited)
    impatient = dataclasses.replace(site, checkout=checkout)
    # The next host, which would be rebooted after it: the same machine by another name.
    inventory = impatient.inventory()
    inventory.write_text(f"{inventory.read_text()}lab = [lab[0], ('next', lab[0][1])]\n")
    output = failing(inventory, checkout)
    assert f"[{HOST}] has not come back within 5 seconds of its reboot" in output, output
    assert re.search(rf"\[next\] +skipped, since {HOST} failed", output), output
    api.up(HOST)
    all_active()
    refused()
    run(site, "reboot")
    check_paths(HOSTS)


def test_no_host_is_rebooted_while_another_is_away(site: Site) -> None:
    inventory = site.inventory()
    absent = {"ssh_hostname": "127.0.0.1", "ssh_port": 1}
    inventory.write_text(f"{inventory.read_text()}lab.append(('away', lab[0][1] | {absent}))\n")
    before = boot()
    output = failing(inventory, site.checkout)
    assert "away: connection: it cannot be reached" in output
    assert boot() == before
    check_paths(HOSTS)


def test_teardown_takes_the_drain_away(site: Site) -> None:
    drain(site)
    torn = site.pyinfra("teardown.py", "-y")
    assert torn.code == 0, torn.output
    assert ssh(HOST, "nft list tables | grep gate; ls /etc | grep onetime; true") == ""
    for verb in ("drain", "undrain", "reboot"):
        none = site.pyinfra(f"verbs/{verb}.py", "-y")
        assert none.code == 1
        assert f"{HOST}: release: none is live, so there are no gates. Deploy first" in none.output
    assert site.deploy().code == 0
