"""The mode wireguard on a real host: a database that only the tunnels lead to.

The host's kernel is the machine's, so these tunnels are made in userspace where that has no
WireGuard; those of Debian's own kernel are in test_modes_vm.py.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api
from tests.lab import wireguard
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
from tests.lab.modes import check_clean

HOST = "plain8"
CLIENT = 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379'
INPUT = "type filter hook input priority 0"
HEALTHY = "curl -fsS -m 5 -o /dev/null http://127.0.0.1:{port}/api/v2/status"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return dataclasses.replace(fresh(HOST), everywhere=wireguard.settings())


def own_pid(port: int) -> str:
    return ssh(HOST, f"podman inspect --format '{{{{.State.Pid}}}}' onetime-wg-{port}")


def test_without_wireguard_and_tun_it_is_refused_and_nothing_is_touched(site: Site) -> None:
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


def test_a_dry_run_shows_all_but_the_keys_and_touches_nothing(site: Site) -> None:
    before = snapshot(HOST)
    run = site.pyinfra("deploy.py", "--dry", "--diff")
    assert run.code == 0, run.output
    assert "quadlet/onetime-wg@.container" in run.output
    assert "ip route add 10.77.0.10/32" in run.output
    for client in api.wireguard().clients:
        assert client.private_key.read_text().strip() not in run.output
    assert snapshot(HOST) == before


def test_every_path_works_and_the_database_sees_the_tunnels(site: Site) -> None:
    site.deploy_twice()
    check_paths(site.hosts)
    for port, client in zip(PORTS, api.wireguard().clients, strict=False):
        assert f" addr={client.address.removesuffix('/32')}:" in in_container(HOST, port, CLIENT)


def test_the_database_is_reached_no_other_way(site: Site) -> None:
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


def test_the_tunnel_carries_what_is_for_the_database_and_nothing_else(
    site: Site, captured: dict[str, str]
) -> None:
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
def test_an_instance_comes_back_by_itself_with_its_tunnel(site: Site, crash: str) -> None:
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


def test_a_peer_that_was_away_is_used_again_without_any_restart(site: Site) -> None:
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


def test_keys_are_in_the_sidecars_alone(site: Site) -> None:
    run = site.deploy("--diff", "-vvv")
    assert run.code == 0, run.output
    everywhere = (
        "cat >/run/needle; "
        "grep --recursive --files-with-matches --fixed-strings --file /run/needle "
        "/etc /run/systemd /run/onetime /var/log 2>/dev/null; "
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | "
        "grep --fixed-strings --file /run/needle; "
        "journalctl --no-pager | grep --fixed-strings --file /run/needle; "
        "podman ps -aq | xargs podman inspect | grep --fixed-strings --file /run/needle; "
        "podman exec onetime-{port} ls /run/secrets 2>/dev/null; "
        "podman exec onetime-wg-{port} stat -c '%a %u' /run/secrets/private-key; "
        "podman exec onetime-wg-{port} cat /run/secrets/private-key | "
        "grep --count --fixed-strings --file /run/needle; rm /run/needle"
    )
    for port, client in zip(PORTS, api.wireguard().clients, strict=False):
        assert client.private_key.read_text().strip() not in run.output
        done = api.ssh(HOST, everywhere.replace("{port}", str(port)), stdin=client.private_key)
        assert done.stdout.split("\n") == ["400 0", "1", ""], done.stdout


def test_a_tunnel_that_does_not_come_up_gives_way_to_the_release_before(
    site: Site, tmp_path: Path
) -> None:
    routed = dataclasses.replace(site, everywhere={"network_mode": "routed"})
    routed.deploy_twice()
    unknown = tmp_path / "key"
    unknown.write_text(base64.b64encode(b"unknown to the peer, 32 bytes...").decode())
    wrong = wireguard.settings()
    wrong["wireguard"]["instances"][PORTS[0]]["private_key"] = f"file:{unknown}"
    run = dataclasses.replace(site, everywhere=wrong).deploy()
    assert run.code != 0
    assert "counts as started once 203.0.113.2:51820 has answered" in run.output
    assert "going back to release" in run.output
    check_clean(HOST, "routed")
    check_paths(site.hosts)
    again = routed.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output
    assert site.deploy().code == 0


def test_another_key_restarts_its_own_instance_alone(site: Site) -> None:
    assert site.deploy().code == 0
    before = started(HOST)
    changed = wireguard.settings()
    changed["wireguard"]["instances"][PORTS[0]] = wireguard.settings(first=4)["wireguard"][
        "instances"
    ][PORTS[0]]
    dataclasses.replace(site, everywhere=changed).deploy_twice()
    check_paths(site.hosts)
    after = started(HOST)
    assert {name for name in before if after[name] == before[name]} == {
        f"onetime-{PORTS[1]}",
        f"onetime-wg-{PORTS[1]}",
    }
    assert " addr=10.99.0.6:" in in_container(HOST, PORTS[0], CLIENT)
    assert site.deploy().code == 0


def test_a_preshared_key_and_more_networks(site: Site) -> None:
    more = wireguard.settings(first=10, allowed_ips=["10.77.0.0/24", "10.99.0.0/24"])
    dataclasses.replace(site, everywhere=more).deploy_twice()
    check_paths(site.hosts)
    for port in PORTS:
        assert "10.77.0.0/24 dev wg" in in_container(HOST, port, "ip route")
    # A client whom the tunnel leads to, too, may as well come by the published port.
    public = {host.name: host.public_address for host in api.hosts()}[HOST]
    ssh(HOST, "ip route add 10.99.0.1 via 203.0.113.2")
    for port in PORTS:
        url = f"http://{public}:{port}/whoami"
        client = ["curl", "-sS", "--fail", "-m", "5", "--interface", "10.99.0.1", url]
        done = api.run_in("wgpeer", client)
        assert "client=10.89.43.1\n" in done.stdout, done
    ssh(HOST, "ip route del 10.99.0.1 via 203.0.113.2")
    assert site.deploy().code == 0


def test_one_instance_less_takes_its_tunnel_along(site: Site) -> None:
    assert site.deploy().code == 0
    before = started(HOST)
    fewer = wireguard.settings(PORTS[:1]) | {"instances": list(PORTS[:1])}
    dataclasses.replace(site, everywhere=fewer).deploy_twice()
    check_paths(site.hosts, PORTS[:1])
    left = {f"onetime-{PORTS[0]}", f"onetime-wg-{PORTS[0]}"}
    assert started(HOST) == {name: at for name, at in before.items() if name in left}
    site.deploy_twice()
    check_paths(site.hosts)
