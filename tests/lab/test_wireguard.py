"""The mode wireguard on a real host: a database that only the tunnels lead to.

The host's kernel is the machine's, so these tunnels are made in userspace where that has no
WireGuard; those of Debian's own kernel are in test_modes_vm.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from lab import api
from tests.lab import tunnels as wireguard
from tests.lab.conftest import Fresh
from tests.lab.harness import (
    PORTS,
    Site,
    check_paths,
    in_container,
    page,
    snapshot,
    ssh,
    started,
    wait_until,
)

HOST = "plain8"
CLIENT = 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379'
INPUT = "type filter hook input priority 0"
HEALTHY = "curl -fsS -m 5 -o /dev/null http://127.0.0.1:{port}/api/v2/status"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return dataclasses.replace(fresh(HOST), everywhere=wireguard.settings())


def own_pid(port: int) -> str:
    return ssh(HOST, f"podman inspect --format '{{{{.State.Pid}}}}' onetime-wg-{port}")


def test_host_without_wireguard_and_tun_is_refused_untouched(site: Site) -> None:
    ssh(HOST, "mount --bind /dev/null /dev/net/tun")
    before = snapshot(HOST)
    run = site.deploy()
    ssh(HOST, "umount /dev/net/tun")
    assert run.code != 0
    (problem,) = [line for line in run.output.splitlines() if line.startswith("  - ")]
    assert problem == (
        f"  - {HOST}: network_mode: the kernel cannot make wireguard or tun links. Install the "
        "kernel's module, or use one of the modes that would work here: macvlan, routed, direct, "
        "host."
    )
    assert snapshot(HOST) == before


def test_dry_run_shows_all_but_the_keys_and_touches_nothing(site: Site) -> None:
    before = snapshot(HOST)
    run = site.pyinfra("deploy.py", "--dry", "--diff")
    assert run.code == 2, run.output
    assert "quadlet/onetime-wg@.container" in run.output
    assert " 10.77.0.10/32 " in run.output
    for client in api.wireguard().clients:
        assert client.private_key.read_text().strip() not in run.output
    assert snapshot(HOST) == before


def test_every_path_works_and_the_database_sees_the_tunnels(site: Site) -> None:
    site.deploy_twice()
    check_paths(site.hosts)
    for port, client in zip(PORTS, api.wireguard().clients, strict=False):
        assert f" addr={client.address.removesuffix('/32')}:" in in_container(HOST, port, CLIENT)


def test_database_is_reached_no_other_way(site: Site) -> None:
    assert site.deploy().code == 0
    question = "timeout 2 bash -c '</dev/tcp/10.77.0.10/6379'"
    for namespace in (HOST, "outside", "maindb"):
        assert api.run_in(namespace, ["bash", "-c", question]).returncode != 0
    # Not even for who knows the way.
    route = ["10.77.0.10/32", "via", "203.0.113.2"]
    assert api.run_in(HOST, ["ip", "route", "add", *route]).returncode == 0
    assert api.run_in(HOST, ["bash", "-c", question]).returncode != 0
    assert api.run_in(HOST, ["ip", "route", "del", *route]).returncode == 0


@pytest.fixture
def captured(site: Site) -> Iterator[dict[str, str]]:
    """Listen in the tunnel of the first instance, and on both of the host's cards."""
    assert site.deploy().code == 0
    port = PORTS[0]
    inner = f"nsenter --target {own_pid(port)} --net tcpdump -lnni wg{port}"
    outer = "tcpdump -lnni {card} host 10.77.0.10 or net 10.99.0.0/24"
    commands = {"inner": inner} | {c: outer.format(card=c) for c in ("eth0", "eth1")}
    for name, command in commands.items():
        ssh(HOST, f"systemd-run -q --unit tap-{name} -p StandardOutput=file:/run/tap-{name} "
            f"-p StandardError=file:/run/tap-{name}.err {command}")  # fmt: skip
        wait_until(HOST, f"grep -q ^listening /run/tap-{name}.err")
    yield {name: f"/run/tap-{name}" for name in commands}
    ssh(HOST, "systemctl stop 'tap-*'")


def test_tunnel_carries_the_databases_traffic_alone(site: Site, captured: dict[str, str]) -> None:
    check_paths(site.hosts)
    wait_until(HOST, f"grep -q 10.77.0.10 {captured['inner']}")
    inside = ssh(HOST, f"cat {captured['inner']}").splitlines()
    assert [line for line in inside if " 10.77.0.10." not in line] == []
    for card in ("eth0", "eth1"):
        assert ssh(HOST, f"cat {captured[card]}") == ""


@pytest.mark.parametrize(
    "crash",
    [
        "podman kill onetime-wg-7043",
        "kill -KILL $(podman inspect --format '{{.State.ConmonPid}}' onetime-wg-7043)",
        "kill -KILL $(pgrep --full '^wireguard-go wg7043')",
        "podman exec onetime-wg-7043 ip link delete wg7043",
        "podman stop onetime-wg-7043 || true",
        "systemctl restart onetime-wg@7043",
        "systemctl stop onetime-wg@7043; systemctl start onetime-wg@7043",
        "podman kill onetime-7043",
    ],
)
def test_instance_comes_back_by_itself_with_its_tunnel(site: Site, crash: str) -> None:
    assert site.deploy().code == 0
    before = started(HOST)
    ssh(HOST, crash)
    this = before["onetime-7043"]
    wait_until(
        HOST,
        "now=$(podman inspect --format '{{.State.StartedAt}}' onetime-7043 2>/dev/null) && "
        f'[ "$now" != "{this}" ] && ' + HEALTHY.format(port=7043) + " 2>/dev/null",
    )
    check_paths(site.hosts)
    after = started(HOST)
    assert {name for name in before if after[name] == before[name]} >= {
        "onetime-7044",
        "onetime-wg-7044",
    }
    again = site.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


def test_peer_that_was_away_is_used_again_without_any_restart(site: Site) -> None:
    assert site.deploy().code == 0
    before = started(HOST)
    public = {host.name: host.public_address for host in api.hosts()}[HOST]
    # For this host alone: others use the peer, too.
    deaf = (
        f"table inet deaf {{ chain input {{ {INPUT}; ip saddr {public} udp dport 51820 drop; }}; }}"
    )
    assert api.run_in("wgpeer", ["nft", deaf]).returncode == 0
    try:
        url = f"http://127.0.0.1:{PORTS[0]}/api/v2/status"
        status = api.run_in(HOST, ["curl", "-sS", "-m", "9", "-w", "%{http_code}", url])
        assert status.stdout.endswith("503"), status
        # The app itself still answers.
        assert page(HOST, "127.0.0.1", PORTS[0])["instance"]
    finally:
        assert api.run_in("wgpeer", ["nft", "delete table inet deaf"]).returncode == 0
    for port in PORTS:
        wait_until(HOST, HEALTHY.format(port=port) + " 2>/dev/null")
    check_paths(site.hosts)
    assert started(HOST) == before


def test_it_survives_a_reboot(site: Site) -> None:
    assert site.deploy().code == 0
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service")
    check_paths(site.hosts)
    again = site.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output
