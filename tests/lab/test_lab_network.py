"""The lab's networks and the shapes of its hosts, seen with real packets."""

import re
from collections.abc import Iterator

import pytest

from lab import api, cgroup

pytestmark = pytest.mark.alone

# What `ip route` shows about the private cards, and the addresses beside eth0's, of the
# ninth host of each shape: no other test uses those.
ROUTES = {
    "plain": ["10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.19"],
    "metric": ["10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.39 metric 100"],
    "cloud": [
        "10.0.0.0/24 via 10.0.0.1 dev eth1 proto static",
        "10.0.0.1 dev eth1 proto static scope link",
    ],
    "docker": ["10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.59"],
    "twocards": [
        "10.0.0.0/24 dev eth2 proto kernel scope link src 10.0.0.69",
        "10.0.1.0/24 dev eth1 proto kernel scope link src 10.0.1.69",
    ],
    "nocard": [],
    "far": [
        "10.0.0.0/24 dev eth1 proto kernel scope link src 10.0.0.89",
        "10.0.5.0/24 via 10.0.0.1 dev eth1 proto static",
    ],
}

ADDRESSES = {
    "plain": "eth1 10.0.0.19/24",
    "metric": "eth1 10.0.0.39/24",
    "cloud": "eth1 10.0.0.49/32",
    "docker": "docker0 172.17.0.1/16 eth1 10.0.0.59/24",
    "twocards": "eth1 10.0.1.69/24 eth2 10.0.0.69/24",
    "nocard": "",
    "far": "eth1 10.0.0.89/24",
}


@pytest.fixture(scope="module", autouse=True)
def hosts() -> Iterator[dict[str, api.Host]]:
    """One fresh host of each shape that the default release has."""
    names = [f"{shape}9" for shape in ROUTES]
    yield {host.shape: host for host in api.up(*names) if host.name in names}
    api.down(*names)


def answer(host: str, command: str) -> str:
    done = api.ssh(host, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def reaches(namespace: str, address: str, port: int) -> bool:
    question = f"timeout 1 bash -c '</dev/tcp/{address}/{port}'"
    return api.run_in(namespace, ["sh", "-c", question]).returncode == 0


@pytest.mark.parametrize("shape", ROUTES)
def test_shape(shape: str, hosts: dict[str, api.Host]) -> None:
    host = hosts[shape]
    routes = [" ".join(line.split()) for line in answer(host.name, "ip -4 route").splitlines()]
    assert routes[0] == "default via 203.0.113.1 dev eth0 proto static"
    assert [route for route in routes if route.startswith("10.")] == ROUTES[shape]
    shown = answer(host.name, "ip -4 -o address")
    cards = re.findall(r"^\d+: (\S+) +inet (\S+)", shown, flags=re.MULTILINE)
    assert cards[1] == ("eth0", f"{host.public_address}/24")
    assert " ".join(f"{card} {address}" for card, address in cards[2:]) == ADDRESSES[shape]
    assert host.private_address is None or f" {host.private_address}/" in shown
    devices = re.findall(r"^ *(\S+):", answer(host.name, "cat /proc/net/dev"), flags=re.MULTILINE)
    assert devices == [card for card, _ in cards]


@pytest.mark.parametrize("shape", ROUTES)
def test_database_by_name_and_the_outside(shape: str, hosts: dict[str, api.Host]) -> None:
    host = hosts[shape]
    if host.maindb:
        assert answer(host.name, "redis-cli -h maindb ping") == "PONG"
        assert answer(host.name, "getent ahostsv4 maindb | head -1").startswith(f"{host.maindb} ")
    else:
        assert api.ssh(host.name, "getent hosts maindb").returncode != 0
    assert answer(host.name, "curl -sm 2 http://198.51.100.10/") == f"client={host.public_address}"
    answer(host.name, "ping -c 1 -W 1 198.51.100.10")


def test_hosts_see_each_other_on_the_private_network(hosts: dict[str, api.Host]) -> None:
    for host in hosts.values():
        if host.private_address and host.shape != "plain":
            assert reaches("plain9", host.private_address, 22), host.name


def test_public_network_leads_to_no_private_one() -> None:
    for address in ("10.0.0.10", "10.0.0.19", "10.0.0.1", "10.0.5.10"):
        assert not reaches("outside", address, 22)
        assert not reaches("outside", address, 6379)
        assert "unreachable" in api.run_in("outside", ["ip", "route", "get", address]).stderr
    # Even a host that hands such a packet to its default gateway gets nothing for it.
    assert not reaches("nocard9", "10.0.0.10", 6379)
    assert reaches("outside", "203.0.113.19", 22)


def test_far_database_is_behind_the_gateway() -> None:
    assert reaches("far9", "10.0.5.10", 6379)
    assert not reaches("plain9", "10.0.5.10", 6379)
    assert not reaches("maindb", "10.0.5.10", 6379)


def test_bridges_have_no_address_and_forward_nothing() -> None:
    shown = api.run_in("switch", ["ip", "-o", "address"]).stdout
    assert re.findall(r"inet6? (\S+)", shown) in (["127.0.0.1/8"], ["127.0.0.1/8", "::1/128"])
    for namespace, forwards in {
        "switch": "0",
        "outside": "0",
        "maindb": "0",
        "gateway": "1",
    }.items():
        setting = api.run_in(namespace, ["cat", "/proc/sys/net/ipv4/ip_forward"])
        assert setting.stdout.strip() == forwards, namespace


def test_wireguard_endpoint_comes_back_with_its_keys() -> None:
    known = api.wireguard()
    cgroup.kill("wgpeer")
    assert api.run_in("wgpeer", ["wg", "show", "interfaces"]).stdout.strip() == ""
    api.up("plain9")
    assert api.wireguard() == known
    shown = api.run_in("wgpeer", ["wg", "show", "all", "public-key"]).stdout
    assert shown.split()[1:] == [known.public_key]
    assert reaches("wgpeer", known.database, 6379)
    assert not reaches("outside", known.database, 6379)
    for client in known.clients:
        assert client.private_key.stat().st_mode & 0o077 == 0
