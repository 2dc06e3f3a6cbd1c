"""What no published port is for stays closed to neighbours, on whichever card they are."""

from __future__ import annotations

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, ssh, wait_until
from tests.lab.modes import in_mode

HOST = "plain13"
PORT = PORTS[0]
PUBLIC = "203.0.113.23"
PRIVATE = "10.0.0.23"

# A neighbour on a third card, that sends its packets for any address to the host.
STRANGER = """
ip netns add stranger
ip link add eth9 type veth peer name eth0 netns stranger
ip address add 192.0.2.1/24 dev eth9; ip link set eth9 up
in="ip netns exec stranger"
$in ip address add 192.0.2.2/24 dev eth0; $in ip link set lo up; $in ip link set eth0 up
$in ip route add default via 192.0.2.1
$in ip address flush dev lo
$in sysctl -qw net.ipv4.conf.all.route_localnet=1
"""

# Takes an instance's port whenever it is free, and answers whoever comes.
SQUATTER = """
while (1) {
  $port = IO::Socket::INET->new(LocalPort => 7043, Listen => 9, ReuseAddr => 1)
    or do { select undef, undef, undef, 0.01; next };
  while ($client = $port->accept) { print $client "stranger\\n"; close $client; }
}
"""


def reached(address: str, port: int) -> bool:
    """Tell whether the stranger gets any answer from there, be it a refusal."""
    done = api.ssh(
        HOST,
        "ip netns exec stranger curl -sS -o /dev/null --max-time 2 --interface 192.0.2.2 "
        f"http://{address}:{port}/",
    )
    return done.returncode == 0 or "refused" in done.stderr


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    there = fresh(HOST)
    ssh(HOST, STRANGER)
    return there


def bridge_address() -> str:
    return ssh(
        HOST,
        "podman container inspect --format "
        "'{{(index .NetworkSettings.Networks \"onetime-publish\").IPAddress}}' onetime-7043",
    )


@pytest.mark.parametrize("mode", ["macvlan", "routed", "direct"])
def test_bridge_is_closed_to_neighbours(site: Site, mode: str) -> None:
    there = in_mode(site, mode, shim=False)
    there.deploy_twice()
    check_paths(there.hosts)
    assert reached(PUBLIC, PORT)
    container = bridge_address()
    for port in (3000, 22):
        assert not reached(container, port)
    # And it is the guard that closes them.
    ssh(HOST, "systemctl stop onetime-firewall; nft flush chain ip onetime guard")
    try:
        assert reached(container, 3000)
    finally:
        ssh(HOST, "systemctl restart onetime-host-network")


@pytest.mark.parametrize("address", ["127.0.0.1", PRIVATE, PUBLIC])
def test_published_address_is_a_card(site: Site, address: str) -> None:
    there = in_mode(site, "macvlan", shim=False, publish_address=address)
    there.deploy_twice()
    assert ssh(HOST, f"curl -sS --fail --max-time 5 http://{address}:{PORT}/whoami")
    assert not reached(address, PORT)
    ssh(HOST, "systemctl stop onetime-firewall; nft flush chain ip onetime guard")
    try:
        assert reached(address, PORT)
    finally:
        ssh(HOST, "systemctl restart onetime-host-network")
    lan = api.run_in("maindb", ["curl", "-sS", "--max-time", "5", f"http://{PRIVATE}:{PORT}/"])
    assert (lan.returncode == 0) == (address == PRIVATE)
    outside = api.run_in("outside", ["curl", "-sS", "--max-time", "5", f"http://{PUBLIC}:{PORT}/"])
    assert (outside.returncode == 0) == (address == PUBLIC)


def test_host_is_no_router_between_its_cards(site: Site) -> None:
    there = in_mode(site, "routed")
    there.deploy_twice()
    count = "nft 'table ip count { chain out { type filter hook postrouting priority 0; " + (
        'oifname "eth1" ip saddr 192.0.2.2 counter; }; }\''
    )
    ssh(HOST, count)
    try:
        assert not reached("10.0.0.10", 6379)
        assert "packets 0 " in ssh(HOST, "nft list table ip count")
        ssh(HOST, "systemctl stop onetime-firewall; nft flush chain ip onetime cards")
        reached("10.0.0.10", 6379)
        assert "packets 0 " not in ssh(HOST, "nft list table ip count")
    finally:
        ssh(HOST, "nft delete table ip count; systemctl restart onetime-host-network")


def test_host_that_was_a_router_stays_one(site: Site) -> None:
    assert in_mode(site, "routed").pyinfra("teardown.py", "-y").code == 0
    ssh(HOST, "sysctl -qw net.ipv4.ip_forward=1")
    in_mode(site, "routed").deploy_twice()
    assert "chain cards" not in ssh(HOST, "nft list table ip onetime")


def test_local_user_on_an_instances_port_gets_no_client(site: Site) -> None:
    """And keeps no instance from starting, no change from being made or taken back."""
    there = in_mode(site, "routed")
    there.deploy_twice()
    ssh(
        HOST,
        "systemd-run --quiet --unit squatter --uid nobody --expand-environment=no "
        f"perl -MIO::Socket::INET -e '{SQUATTER}'",
    )
    try:
        ssh(HOST, "systemctl stop onetime@7043")
        wait_until(HOST, "ss -ltn | grep -q :7043")
        for client in (["ip", "netns", "exec", "stranger"], []):
            asked = api.ssh(
                HOST, " ".join([*client, f"curl -sS --max-time 2 http://{PUBLIC}:7043/"])
            )
            assert asked.returncode != 0
            assert "stranger" not in asked.stdout
        ssh(HOST, "systemctl start onetime@7043")
        check_paths(there.hosts)
        changed = in_mode(site, "routed", environment={"ONETIME_TEST_A": "1"})
        run = changed.deploy()
        assert run.code == 0, run.output
        assert "something else listens on port 7043 and gets no client" in run.output
        run = changed.pyinfra("rollback.py", "-y")
        assert run.code == 0, run.output
        check_paths(there.hosts)
    finally:
        ssh(HOST, "systemctl stop squatter; systemctl start onetime@7043")
