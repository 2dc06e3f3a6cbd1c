"""The shim joins host and containers, and leaves the host's other traffic exactly as it was."""

from __future__ import annotations

import dataclasses

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, in_container, page, ssh, wait_until

HOSTS = ("plain1", "metric1")
SHIMS = {"plain1": "10.0.0.128", "metric1": "10.0.0.208"}


def ways(host: str) -> str:
    """Return how the host reaches its neighbours on the private network and the world."""
    return ssh(
        host, "for a in 10.0.0.10 10.0.0.1 10.0.0.12 198.51.100.10; do ip route get $a; done"
    )


def own_address(host: str, port: int) -> str:
    network = '(index .NetworkSettings.Networks "onetime")'
    return ssh(host, f"podman inspect onetime-{port} --format '{{{{{network}.IPAddress}}}}'")


def check_joined(host: str) -> None:
    for port in PORTS:
        answer = page(host, own_address(host, port), 3000)
        assert answer["client"] == SHIMS[host]
        # The banner of the host's own ssh server is the host itself answering.
        assert "SSH-2.0" in in_container(host, port, f"nc -w 3 {SHIMS[host]} 22 </dev/null")


def wait_for_instances(host: str) -> None:
    for port in PORTS:
        wait_until(host, f"systemctl is-active --quiet onetime@{port}.service")


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def site(fresh: Fresh, before: dict[str, str]) -> Site:
    site = fresh(*HOSTS)
    before.update({host: ways(host) for host in HOSTS})
    dataclasses.replace(site, everywhere={"shim": True}).deploy_twice()
    return site


def test_host_and_containers_reach_each_other(site: Site) -> None:
    for host in site.hosts:
        check_joined(host)
    check_paths(site.hosts)


def test_hosts_other_traffic_takes_its_old_ways(site: Site, before: dict[str, str]) -> None:
    for host in site.hosts:
        assert ways(host) == before[host]


def test_lan_finds_the_host_at_its_own_card(site: Site) -> None:
    for host in api.hosts():
        if host.name in site.hosts and host.private_address:
            card = ssh(host.name, "cat /sys/class/net/eth1/address")
            seen = api.run_in(
                "maindb",
                [
                    "sh",
                    "-c",
                    f"ip neigh flush to {host.private_address}; "
                    f"ping -qc1 -W2 {host.private_address} >/dev/null; "
                    f"ip neigh show to {host.private_address}",
                ],
            )
            assert card in seen.stdout


def test_it_is_back_after_a_reboot(site: Site, before: dict[str, str]) -> None:
    for host in site.hosts:
        api.reboot(host)
    for host in site.hosts:
        wait_for_instances(host)
        check_joined(host)
        assert ways(host) == before[host]
    again = dataclasses.replace(site, everywhere={"shim": True}).deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


def test_removed_shim_is_repaired_without_a_restart(site: Site) -> None:
    ssh("plain1", "ip link delete macvlan0")
    containers = ssh("plain1", "podman ps -q | sort")
    run = dataclasses.replace(site, everywhere={"shim": True}).deploy()
    assert run.code == 0, run.output
    assert run.changed == 2  # the lock and the switch
    check_joined("plain1")
    assert ssh("plain1", "podman ps -q | sort") == containers


def test_switched_off_it_is_gone_and_stays_gone(site: Site, before: dict[str, str]) -> None:
    site.deploy_twice()
    for host in site.hosts:
        assert "macvlan0" not in ssh(host, "ip -brief link; ip route")
        assert ways(host) == before[host]
    api.reboot("metric1")
    wait_for_instances("metric1")
    assert "macvlan0" not in ssh("metric1", "ip -brief link; ip route")
    check_paths(site.hosts)
