"""What only another kernel can show: ipvlan, on a virtual machine with Debian's own kernel."""

from __future__ import annotations

import dataclasses

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, in_container, page, ssh, wait_until

HOST = "vm1"
RANGE = "10.0.0.192/28"


def in_mode(site: Site, mode: str, *, shim: bool = False) -> Site:
    data = {"network_mode": mode, "container_range": RANGE, "shim": shim}
    return dataclasses.replace(site, everywhere=data)


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def test_it_moves_to_ipvlan_and_back(site: Site) -> None:
    for mode in ("macvlan", "ipvlan", "routed", "ipvlan", "macvlan"):
        run = in_mode(site, mode, shim=mode != "routed").deploy()
        assert run.code == 0, run.output
        check_paths(site.hosts)
        links = ssh(HOST, "ip -brief link")
        assert ("ipvlan0" in links) == (mode == "ipvlan")
        assert ("macvlan0" in links) == (mode == "macvlan")


def test_ipvlan_containers_are_neighbours_on_the_hosts_mac(site: Site) -> None:
    in_mode(site, "ipvlan", shim=True).deploy_twice()
    card = ssh(HOST, "cat /sys/class/net/eth1/address")
    for port in PORTS:
        answer = in_container(HOST, port, 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379')
        address = answer.split(" addr=", 1)[1].split(":", 1)[0]
        assert address.startswith("10.0.0.")
        assert page("maindb", address, 3000)["client"] == "10.0.0.10"
        assert card in api.run_in("maindb", ["ip", "neigh", "show", "to", address]).stdout
        # The shim joins host and container, both ways.
        assert page(HOST, address, 3000)["client"] == "10.0.0.192"
        assert "SSH-2.0" in in_container(HOST, port, "nc -w 3 10.0.0.192 22 </dev/null")


def test_ipvlan_survives_a_reboot(site: Site) -> None:
    in_mode(site, "ipvlan", shim=True).deploy_twice()
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service", seconds=180)
    check_paths(site.hosts)
    again = in_mode(site, "ipvlan", shim=True).deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output
    assert in_mode(site, "ipvlan").deploy().code == 0
    assert "ipvlan0" not in ssh(HOST, "ip -brief link; ip route")


def test_without_the_kernels_driver_ipvlan_is_refused_with_what_would_work(fresh: Fresh) -> None:
    site = fresh("plain1")
    run = in_mode(site, "ipvlan").deploy()
    assert run.code != 0
    (problem,) = [line for line in run.output.splitlines() if line.startswith("  - ")]
    assert problem.startswith("  - plain1: network_mode: the kernel cannot make ipvlan links")
    assert problem.endswith("macvlan, routed, direct, host.")
