"""The main job: every path works, twice, after a reboot, and nothing is restarted for nothing."""

from __future__ import annotations

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, in_container, ssh, started, wait_until

HOSTS = ("plain1", "plain2")


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(*HOSTS)
    site.deploy_twice()
    return site


def test_every_path_of_every_instance_works_at_the_same_time(site: Site) -> None:
    check_paths(site.hosts)


def test_database_sees_each_container_as_a_host_of_its_own(site: Site) -> None:
    seen = set()
    for host in site.hosts:
        for port in PORTS:
            listing = in_container(
                host, port, 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379'
            )
            address = listing.split(" addr=", 1)[1].split(":", 1)[0]
            assert address in ssh(host, f"podman inspect onetime-{port}")
            seen.add(address)
    assert len(seen) == len(site.hosts) * len(PORTS)


def test_no_two_containers_share_an_address_or_a_mac(site: Site) -> None:
    macs, addresses = [], []
    for host in site.hosts:
        for port in PORTS:
            network = '(index .NetworkSettings.Networks "onetime")'
            text = ssh(
                host,
                f"podman inspect onetime-{port} --format "
                f"'{{{{{network}.IPAddress}}}} {{{{{network}.MacAddress}}}}'",
            )
            address, mac = text.split()
            addresses.append(address)
            macs.append(mac)
    assert len(set(addresses)) == len(set(macs)) == len(site.hosts) * len(PORTS)


def test_reboot_brings_all_back_and_leaves_nothing_to_do(site: Site) -> None:
    for host in site.hosts:
        api.reboot(host)
    for host in site.hosts:
        for port in PORTS:
            wait_until(host, f"systemctl is-active --quiet onetime@{port}.service")
    check_paths(site.hosts)
    before = {host: started(host) for host in site.hosts}
    run = site.deploy()
    assert run.code == 0, run.output
    assert run.changed == 0, run.output
    assert {host: started(host) for host in site.hosts} == before
