"""Values that are fine by themselves and do not fit the host: one clear line each."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Run, Site
from tests.lab.refusals import RANGE, Case, Problem, attempt_all, check, wrong

HOST = "plain14"  # 10.0.0.24


def shim(address: str, seen: str) -> Case:
    return Case({"shim": True, "shim_address": address}, "shim_address", f"{address} is {seen}")


CASES = {
    "no range": wrong("container_range", None, "Give this host a part of 10.0.0.0/24"),
    "range elsewhere": wrong("container_range", "10.9.0.0/27", "is not inside 10.0.0.0/24"),
    "range of millions": wrong("container_range", "10.0.0.0/8", "10.0.0.0/8 is not inside"),
    "range and gateway": wrong("container_range", "10.0.0.0/29", "holds the gateway, 10.0.0.1"),
    "range and database": wrong("container_range", "10.0.0.8/29", "holds the database, 10.0.0.10"),
    "range and host": wrong("container_range", "10.0.0.24/29", "10.0.0.24, the host's own address"),
    "range too small": wrong("container_range", "10.0.0.112/31", "room for 1 of the 2 instances"),
    "range of one": wrong("container_range", "10.0.0.112", "room for 0 of the 2 instances"),
    "shim elsewhere": shim("10.9.0.1", "no host's address in 10.0.0.0/24"),
    "shim at broadcast": shim("10.0.0.255", "no host's address in 10.0.0.0/24"),
    "shim at gateway": shim("10.0.0.1", "the gateway"),
    "shim at database": shim("10.0.0.10", "the database"),
    "shim at host": shim("10.0.0.24", "the host's own address"),
    "database as gateway": wrong("db_address", "host-gateway", "a database on the host itself"),
    "database on host": wrong("db_address", "10.0.0.24", "maindb is 10.0.0.24, on the host itself"),
    "database on loopback": wrong("db_host", "localhost", "localhost is 127.0.0.1, on the host"),
    "database of no name": wrong("db_host", "nowhere", "the host cannot resolve nowhere"),
    "address of another": wrong("publish_address", "10.0.0.77", "only 10.0.0.24, 203.0.113.24"),
    "bridge on the LAN": wrong("publish_subnet", "10.0.0.64/27", "the route 10.0.0.0/24 over eth1"),
    "bridge on Podman's": wrong("publish_subnet", "10.88.4.0/24", "the Podman network podman"),
    "bridge too small": wrong("publish_subnet", "10.89.43.0/30", "room for 1 of the 2 instances"),
    "interface missing": wrong("network_interface", "eth7", "there is no eth7, only lo, eth0"),
    "interface public": wrong("network_interface", "eth0", "no card has an address in 10/8"),
    "subnet elsewhere": wrong("network_subnet", "10.7.0.0/24", "holds no private address of any"),
    "subnet of one": wrong("network_subnet", "10.0.0.24/32", "has no room for containers"),
    "subnet of all": wrong("network_subnet", "0.0.0.0/0", "203.0.113.0/24 over eth0"),
    "gateway elsewhere": wrong("network_gateway", "10.9.0.1", "10.9.0.1 is not in 10.0.0.0/24"),
    "image of nobody": Case(
        {"image": "localhost/gone:1", "image_archive": None},
        "image",
        "the host does not have localhost/gone:1, which cannot be pulled",
    ),
    "not root": Case(
        {"_sudo": True, "_sudo_user": "daemon"},
        "ssh_user",
        "the deploy does not run as root there",
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.everywhere = {"container_range": RANGE}
    return site


@pytest.fixture(scope="module")
def runs(site: Site) -> dict[str, Run]:
    return attempt_all(site, CASES)


@pytest.mark.parametrize("case", CASES)
def test_value_that_does_not_fit_the_host(runs: dict[str, Run], case: str) -> None:
    check(runs[case], Problem(HOST, CASES[case].key, CASES[case].seen))
