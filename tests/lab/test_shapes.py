"""Every kind of host: its private network is found as it is, or refused with what fits."""

from __future__ import annotations

import re

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, in_container, snapshot, ssh

LANE = "plain1"  # metric1 is used there, too
FITTING = {
    "metric1": ("eth1", "10.0.0.0/24", "10.0.0.1"),
    "docker1": ("eth1", "10.0.0.0/24", "10.0.0.1"),
    "twocards1": ("eth2", "10.0.0.0/24", "10.0.0.1"),
    "far1": ("eth1", "10.0.0.0/24", "10.0.0.1"),
    "forky1": ("eth1", "10.0.0.0/24", "10.0.0.1"),
}
REFUSED = {
    "cloud1": ("network_subnet", "10.0.0.41/32", "routed"),
    "nocard1": ("network_interface", "203.0.113.71", "wireguard"),
    "bookworm1": ("podman", "4.3.1", "5.3"),
}


def definition(host: str) -> tuple[str, str, str]:
    """Return parent, subnet and gateway from the installed definition of the private network."""
    text = ssh(host, "cat /etc/containers/systemd/onetime/onetime.network")
    found = [
        re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
        for key in ("Options=parent", "Subnet", "Gateway")
    ]
    assert all(found), text
    parent, subnet, gateway = (match[1] for match in found if match)
    return parent, subnet, gateway


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(*FITTING)
    # The second deploy finds the same as the first, or it would change something.
    site.deploy_twice()
    return site


@pytest.mark.parametrize("host", FITTING)
def test_private_network_is_found(site: Site, host: str) -> None:
    assert host in site.hosts
    assert definition(host) == FITTING[host]


def test_every_path_works_on_every_kind_of_host(site: Site) -> None:
    check_paths(site.hosts)


def test_database_behind_the_gateway_sees_the_container(
    site: Site,
) -> None:
    assert "far1" in site.hosts
    for port in PORTS:
        answer = in_container("far1", port, 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379')
        assert " laddr=10.0.5.10:6379 " in answer
        assert " addr=10.0.0.24" in answer


@pytest.mark.parametrize("host", REFUSED)
def test_host_that_does_not_fit_is_refused_untouched(fresh: Fresh, host: str) -> None:
    site = fresh(host)
    site.everywhere = {"container_range": "10.0.0.192/28", "db_address": "10.0.0.10"}
    before = snapshot(host)
    run = site.deploy()
    assert run.code != 0
    (problem,) = [line for line in run.output.splitlines() if line.startswith("  - ")]
    key, seen, advice = REFUSED[host]
    assert problem.startswith(f"  - {host}: {key}: ")
    assert seen in problem
    assert advice in problem
    assert snapshot(host) == before
