"""The status of real hosts: a table, what is amiss, an exit code, and nothing is touched."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Run, Site, snapshot, ssh, wait_until

HOST = "plain6"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.fixture(autouse=True)
def mended(site: Site) -> Iterator[None]:
    """Deploy again after each test, and find all as it should be."""
    yield
    assert site.deploy().code == 0
    assert status(site).code == 0


def status(site: Site, *arguments: str) -> Run:
    """Ask without a terminal and without `-y`: there is nothing to confirm."""
    return site.pyinfra("status.py", *arguments)


def test_host_as_it_should_be_is_a_table_and_exit_code_0(site: Site) -> None:
    before = snapshot(HOST)
    run = status(site)
    assert run.code == 0, run.output
    assert "all as the inventory says" in run.output
    for word in ("macvlan", "eth1", "10.0.0.64/29", "*:7043", "*:7044", "healthy"):
        assert word in run.output
    assert snapshot(HOST) == before


def test_status_as_json_lines(site: Site) -> None:
    run = status(site, "--data", "format=json")
    assert run.code == 0, run.output
    lines = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    assert [(line["schema"], line["host"], line["instance"]) for line in lines] == [
        (1, HOST, "7043"),
        (1, HOST, "7044"),
    ]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("systemctl stop onetime@7043", "a deploy would start 7043"),
        ("nft flush table ip onetime; systemctl stop onetime-firewall", "a deploy would"),
        (
            "nsenter --net --target $(podman inspect --format '{{.State.Pid}}' onetime-7044) "
            "ip rule del priority 4300",
            "onetime-7044 is not guarded",
        ),
        ("sh /etc/onetime/current/host/gate.sh close 7043", "the gate before port 7043 is closed"),
    ],
    ids=["stopped", "rules gone", "guard gone", "gate closed"],
)
def test_what_is_amiss_is_told_and_the_exit_code_says_so(
    site: Site, fault: str, sentence: str
) -> None:
    # The unit that restores rules and guards would be quicker than the question.
    ssh(HOST, f"systemctl stop onetime-firewall; {fault}")
    run = status(site)
    assert run.code == 1, run.output
    assert f"{HOST}: {sentence}" in run.output
    ssh(HOST, "sh /etc/onetime/current/host/gate.sh open 7043; true")


def test_instance_that_goes_in_circles_is_told(site: Site) -> None:
    """A unit that is always restarted never reads failed."""
    ssh(HOST, "mkdir -p /run/systemd/system/onetime@7044.service.d")
    # An exit code that is no ordinary end of the app, as 1 is.
    broken = "[Service]\\nExecStartPre=/usr/bin/expr\\n"
    ssh(HOST, f"printf '{broken}' > /run/systemd/system/onetime@7044.service.d/broken.conf")
    ssh(HOST, "systemctl daemon-reload; systemctl kill onetime@7044")
    again = "[ $(systemctl show --property=NRestarts --value onetime@7044) -ge 3 ]"
    wait_until(HOST, again, seconds=60)
    run = status(site)
    assert run.code == 1, run.output
    assert f"{HOST}: onetime@7044.service was restarted" in run.output
    ssh(HOST, "rm -r /run/systemd/system/onetime@7044.service.d; systemctl daemon-reload")


def test_inventory_that_cannot_be_planned_is_told(site: Site) -> None:
    run = status(dataclasses.replace(site, everywhere={"memory": "1g"}))
    assert run.code == 1, run.output
    assert f"{HOST}: memory: the kernel has no memory controller" in run.output


def test_history_tells_who_changed_what(site: Site) -> None:
    assert site.deploy().code == 0
    run = site.pyinfra("verbs/history.py", "--data", "format=json")
    assert run.code == 0, run.output
    lines = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    first = lines[0]
    assert (first["host"], first["origin"], first["to"], first["outcome"]) == (HOST, 0, 1, "served")
    assert first["plan"].startswith("p")
    logged = ssh(HOST, "journalctl --no-pager -o cat -t onetime-change")
    assert len(logged.splitlines()) == len(lines)
