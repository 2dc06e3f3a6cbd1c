"""The network modes as tests use them: their settings, what each leaves on a host, teardown."""

from __future__ import annotations

import dataclasses
import difflib

from tests.lab import tunnels as wireguard
from tests.lab.harness import PORTS, Site, check_paths, ssh

NETWORKS = {
    "macvlan": {"onetime", "onetime-publish", "podman"},
    "ipvlan": {"onetime", "onetime-publish", "podman"},
    "routed": {"onetime-publish", "podman"},
    "direct": {"onetime-publish", "podman"},
    "wireguard": {"onetime-publish", "podman"},
    "host": {"podman"},
}
# The modes whose containers are on the private network themselves, which have a shim.
LAN = {"macvlan", "ipvlan"}

# Podman's `cache` of what it knows about layers comes with the first image, and is its own.
FOUND = (
    "find /etc -xdev -type d -printf '%p/\\n' -o -printf '%p %l %m %u %s\\n' | sort; "
    "ip -brief link; ip -4 -brief address; ip -4 rule; ip -4 route; nft --stateless list ruleset; "
    "podman ps -a; podman network ls; podman secret ls; podman images; podman volume ls; "
    "ls /run/systemd/generator; ls -I cache /var/lib/containers; "
    "systemctl list-units --all --plain --no-legend 'onetime*'; "
    "sysctl -a 2>/dev/null | grep -E '^net.ipv4.(ip_forward|conf.(all|default|eth0|eth1).)'"
)


def in_mode(site: Site, mode: str, *, client: int = 0, **more: object) -> Site:
    """Return the inventory with its only host in the mode, with a shim where there can be one.

    + client: index of the WireGuard client of the first instance; hosts that are up share none
    """
    everywhere = {"network_mode": mode, "shim": mode in LAN, **more}
    if mode == "wireguard":
        everywhere |= wireguard.settings(first=client)
    return dataclasses.replace(site, everywhere=everywhere)


def check_clean(host: str, mode: str) -> None:
    """Check that the host has what the mode makes, and nothing of another one."""
    assert set(ssh(host, "podman network ls --format '{{.Name}}'").split()) == NETWORKS[mode]
    links = ssh(host, "ip -brief link")
    for lan in LAN:
        assert (f"{lan}0" in links) == (mode == lan)
    assert ("onetime0" in links) == (mode != "host")
    assert "table ip onetime" in ssh(host, "nft list tables")
    assert ("postrouting" in ssh(host, "nft list table ip onetime")) == (mode != "host")
    assert ("10.89.43" in ssh(host, "ip route; nft --stateless list ruleset")) == (mode != "host")
    names = {f"onetime-{port}" for port in PORTS}
    sidecars = {f"onetime-wg-{port}" for port in PORTS} if mode == "wireguard" else set()
    assert set(ssh(host, "podman ps --all --format '{{.Names}}'").split()) == names | sidecars
    units = ssh(host, "systemctl list-units --all --plain --no-legend 'onetime-wg@*'")
    assert len(units.splitlines()) == len(sidecars)
    files = ssh(host, "ls /etc/onetime/current/quadlet /run/systemd/generator")
    assert ("onetime.network" in files) == ("onetime-network.service" in files)
    assert ("onetime.network" in files) == (mode in LAN)
    assert ("onetime-publish.network" in files) == (mode != "host")
    assert ("onetime-wg@" in files) == (mode == "wireguard")


def check_teardown(site: Site) -> None:
    """Deploy to the only host, which has nothing yet, and check that teardown leaves no trace."""
    (host,) = site.hosts
    before = ssh(host, FOUND).splitlines()
    site.deploy_twice()
    check_paths(site.hosts)
    assert ssh(host, FOUND).splitlines() != before
    run = site.pyinfra("teardown.py", "-y")
    assert run.code == 0, run.output
    after = ssh(host, FOUND).splitlines()
    assert [line for line in difflib.ndiff(before, after) if line[:1] in "+-"] == []
    again = site.pyinfra("teardown.py", "-y")
    assert again.code == 0, again.output
