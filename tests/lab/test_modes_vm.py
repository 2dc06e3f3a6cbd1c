"""What only another kernel can show: ipvlan and the kernel's own WireGuard, on Debian's kernel."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest

from lab import api
from tests.lab import modes
from tests.lab.conftest import Fresh
from tests.lab.harness import (
    PORTS,
    PYINFRA,
    ROOT,
    Site,
    check_paths,
    in_container,
    page,
    snapshot,
    ssh,
    started,
    wait_until,
)
from tests.lab.modes import check_clean, check_teardown

HOST = "vm1"
RANGE = "10.0.0.192/28"
# Other tests leave hosts behind that use the first ones.
CLIENT = 6

# What only this kernel can: to and from ipvlan, the kernel's WireGuard among the others.
WALK = ("macvlan", "ipvlan", "wireguard", "ipvlan", "routed", "ipvlan", "macvlan")


def in_mode(site: Site, mode: str, **more: object) -> Site:
    return modes.in_mode(site, mode, client=CLIENT, **more)


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    made = fresh(HOST)
    return dataclasses.replace(made, by_host={HOST: {"container_range": RANGE}})


def test_ipvlan_leaves_the_host_as_it_was_found(site: Site) -> None:
    ipvlan = in_mode(site, "ipvlan")
    before = snapshot(HOST)
    run = ipvlan.pyinfra("deploy.py", "--dry", "--diff")
    assert run.code == 2, run.output
    assert "+ Driver=ipvlan" in run.output
    assert snapshot(HOST) == before
    check_teardown(ipvlan)


def test_one_deploy_moves_a_host_to_any_other_mode(site: Site) -> None:
    for mode in WALK:
        run = in_mode(site, mode).deploy()
        assert run.code == 0, run.output
        check_clean(HOST, mode)
        check_paths(site.hosts)


def test_ipvlan_containers_are_neighbours_on_the_hosts_mac(site: Site) -> None:
    in_mode(site, "ipvlan", lan_clients=["10.0.0.10"]).deploy_twice()
    card = ssh(HOST, "cat /sys/class/net/eth1/address")
    for port in PORTS:
        answer = in_container(HOST, port, 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379')
        address = answer.split(" addr=", 1)[1].split(":", 1)[0]
        assert address.startswith("10.0.0.")
        assert page("maindb", address, 3000)["client"] == "10.0.0.10"
        assert card in api.run_in("maindb", ["ip", "neigh", "show", "to", address]).stdout
        # The shim joins host and container, both ways.
        shim = RANGE.partition("/")[0]
        assert page(HOST, address, 3000)["client"] == shim
        assert "SSH-2.0" in in_container(HOST, port, f"nc -w 3 {shim} 22 </dev/null")


@pytest.mark.parametrize("mode", ["ipvlan", "wireguard"])
def test_mode_survives_a_reboot(site: Site, mode: str) -> None:
    in_mode(site, mode).deploy_twice()
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service", seconds=180)
    check_paths(site.hosts)
    check_clean(HOST, mode)
    again = in_mode(site, mode).deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


def test_kernel_makes_the_tunnels_and_a_lost_one_comes_back(site: Site) -> None:
    assert in_mode(site, "wireguard").deploy().code == 0
    assert "wireguard-go" not in ssh(HOST, "ps -A -o args")
    for port, client in zip(PORTS, api.wireguard().clients[CLIENT:], strict=False):
        links = ssh(HOST, f"podman exec onetime-wg-{port} ip -details link show type wireguard")
        assert f"wg{port}: " in links
        answer = in_container(HOST, port, 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379')
        assert f" addr={client.address.removesuffix('/32')}:" in answer
    healthy = f"curl -fsS -m 9 -o /dev/null http://127.0.0.1:{PORTS[0]}/api/v2/status 2>/dev/null"
    for crash in (f"nsenter --target $0 --net ip link delete wg{PORTS[0]}", "kill -KILL $0"):
        pid = ssh(HOST, f"podman inspect --format '{{{{.State.Pid}}}}' onetime-wg-{PORTS[0]}")
        before = started(HOST)[f"onetime-{PORTS[0]}"]
        ssh(HOST, crash.replace("$0", pid))
        # The instance goes on for a moment, and with it the tunnel in its network.
        now = f"podman inspect --format '{{{{.State.StartedAt}}}}' onetime-{PORTS[0]} 2>/dev/null"
        again = f'now=$({now}) && [ "$now" != "{before}" ]'
        wait_until(HOST, f"{again} && {healthy}", seconds=120)
    check_paths(site.hosts)


def test_shim_goes_with_its_word(site: Site) -> None:
    assert in_mode(site, "ipvlan").deploy().code == 0
    without = dataclasses.replace(site, everywhere={"network_mode": "ipvlan"})
    assert without.deploy().code == 0
    assert "ipvlan0" not in ssh(HOST, "ip -brief link; ip route")


def test_ipvlan_without_its_driver_is_refused_with_what_works(fresh: Fresh) -> None:
    run = in_mode(fresh("plain1"), "ipvlan").deploy()
    assert run.code != 0
    (problem,) = [line for line in run.output.splitlines() if line.startswith("  - ")]
    assert problem.startswith("  - plain1: network_mode: the kernel cannot make ipvlan links")
    assert problem.endswith("macvlan, routed, direct, wireguard, host.")


@pytest.mark.parametrize("moment", ["switching", "current"])
def test_power_cut_finds_a_whole_release_on_the_disk(site: Site, moment: str) -> None:
    """What nspawn cannot show: here the host's page cache goes with its power."""
    there = in_mode(site, "routed")
    there.deploy_twice()
    before = ssh(HOST, "readlink /etc/onetime/current")
    conditions = {
        "switching": "[ -e /etc/onetime/switching ]",
        "current": f'[ "$(readlink /etc/onetime/current)" != {before} ]',
    }
    changed = dataclasses.replace(
        there, everywhere={**there.everywhere, "environment": {"ONETIME_TEST_POWER": moment}}
    )
    process = subprocess.Popen(
        [str(PYINFRA), str(changed.inventory()), "deploy.py", "-y"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(HOST, conditions[moment])
    api.reboot(HOST, hard=True)
    process.kill()
    process.wait()
    wait_until(HOST, "[ ! -e /etc/onetime/switching ]", seconds=600)
    for release in ssh(HOST, "ls -d /etc/onetime/releases/[0-9]*").split():
        assert ssh(HOST, f"cd {release} && sha256sum --quiet --check digests") == ""
    changed.deploy_twice()
    check_paths(site.hosts)
