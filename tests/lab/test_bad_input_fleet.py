"""What hosts do to each other, and several hosts in trouble at once: all of it in one list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Run, Site, snapshot
from tests.lab.refusals import OTHER_RANGE, RANGE, Case, Problem, attempt_all, check, refused

LANE = "plain14"
ONE, TWO = "plain14", "plain19"  # 10.0.0.24 and 10.0.0.29
CLOUD, NOCARD, OLD = "cloud3", "nocard3", "bookworm3"


def shim(address: str) -> dict[str, Any]:
    return {"shim": True, "shim_address": address}


def both(one: Mapping[str, Any], two: Mapping[str, Any], key: str, seen: str) -> Case:
    """Return the case of data of the one and of the other; the problem is the one's."""
    return Case({}, key, seen, by_host={ONE: one, TWO: two})


CASES = {
    "same range": both(
        {},
        {"container_range": RANGE},
        "container_range",
        f"{RANGE} overlaps with {RANGE} of {TWO}",
    ),
    "range in a range": both(
        {},
        {"container_range": "10.0.0.124/30"},
        "container_range",
        f"{RANGE} overlaps with 10.0.0.124/30 of {TWO}",
    ),
    "range around the other host": both(
        {"container_range": "10.0.0.28/30", "instances": [7042]},
        {},
        "container_range",
        f"10.0.0.28/30 holds 10.0.0.29, an address of {TWO}",
    ),
    "shim of both": both(
        shim("10.0.0.90"),
        shim("10.0.0.90"),
        "shim_address",
        f"10.0.0.90 is the shim of {TWO} too",
    ),
    "shim at the other host": both(
        shim("10.0.0.29"),
        {},
        "shim_address",
        f"10.0.0.29 is an address of {TWO}",
    ),
    "shim in the other's range": both(
        shim("10.0.0.73"),
        {},
        "shim_address",
        f"10.0.0.73 is in the container_range of {TWO}",
    ),
    # 7043 has place 7043 % 7 + 1 in a range of eight.
    "shim at the other's instance": both(
        shim("10.0.0.74"),
        {},
        "shim_address",
        f"10.0.0.74 is instance 7043's on {TWO}",
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(ONE, TWO)
    site.by_host = {ONE: {"container_range": RANGE}, TWO: {"container_range": OTHER_RANGE}}
    return site


@pytest.fixture(scope="module")
def runs(site: Site) -> dict[str, Run]:
    return attempt_all(site, CASES)


@pytest.mark.parametrize("case", CASES)
def test_what_hosts_do_to_each_other(runs: dict[str, Run], case: str) -> None:
    check(runs[case], Problem(ONE, CASES[case].key, CASES[case].seen))


def test_host_that_is_left_alone_keeps_its_range(site: Site) -> None:
    same = Site(site.directory, site.hosts, {"container_range": RANGE})
    problem = Problem(ONE, "container_range", f"{RANGE} overlaps with {RANGE} of {TWO}")
    refused(same, problem, flags=("--limit", ONE))


def test_host_that_is_left_alone_may_be_wrong(site: Site) -> None:
    other = {**site.by_host[TWO], "db_port": 0}
    wrong = Site(site.directory, site.hosts, by_host={**site.by_host, TWO: other})
    run = wrong.pyinfra("deploy.py", "--dry", "--limit", ONE)
    assert run.code == 2, run.output


def test_all_problems_of_all_hosts_come_at_once(fresh: Fresh, site: Site) -> None:
    """Values, hosts that do not fit, and hosts that do not fit together, in one run."""
    strange = fresh(CLOUD, NOCARD, OLD)
    hosts = (*site.hosts, *strange.hosts)
    data: dict[str, dict[str, Any]] = {
        ONE: {"container_range": RANGE, "publish_address": "10.0.0.77", "instances": [7043, 7044]},
        TWO: {"container_range": OTHER_RANGE, "shimm": True, "db_port": 0},
        CLOUD: {"container_range": "10.0.0.80/29"},
        NOCARD: {"container_range": "10.0.0.88/29", "db_address": "10.0.0.10"},
        OLD: {"container_range": "10.0.0.120/30"},
    }
    before = {host: snapshot(host) for host in hosts}
    run = Site(strange.directory, hosts, by_host=data).deploy()
    check(
        run,
        Problem(TWO, "shimm", "the deploy knows no such key"),
        Problem(TWO, "db_port", "0 was given"),
        Problem(OLD, "podman", "4.3.1 is there, and 5.3 is needed"),
        Problem(CLOUD, "network_subnet", "eth1 has the address 10.0.0.43/32"),
        Problem(NOCARD, "network_interface", "the host has 203.0.113.73 on eth0"),
        Problem(ONE, "publish_address", "the host has no 10.0.0.77"),
        Problem(OLD, "container_range", f"10.0.0.120/30 overlaps with {RANGE} of {ONE}"),
    )
    assert {host: snapshot(host) for host in hosts} == before
