"""Every network mode carries every path, and one deploy moves a host from any mode to any other."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from lab import api
from tests.lab import wireguard
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, ssh, wait_until

HOST = "plain1"

# Every ordered pair of two modes, as one walk.
WALK = (
    *("macvlan", "wireguard", "macvlan", "routed", "wireguard", "routed", "macvlan", "direct"),
    *("wireguard", "direct", "macvlan", "host", "wireguard", "host", "routed", "direct"),
    *("routed", "host", "direct", "host", "macvlan"),
)
NETWORKS = {
    "macvlan": {"onetime", "onetime-publish", "podman"},
    "routed": {"onetime-publish", "podman"},
    "direct": {"onetime-publish", "podman"},
    "wireguard": {"onetime-publish", "podman"},
    "host": {"podman"},
}


def in_mode(site: Site, mode: str, **more: object) -> Site:
    # The shim belongs to macvlan; the other modes must take it away.
    everywhere = {"network_mode": mode, "shim": mode == "macvlan", **more}
    if mode == "wireguard":
        everywhere |= wireguard.settings()
    return dataclasses.replace(site, everywhere=everywhere)


def check_clean(mode: str) -> None:
    """Check that nothing of another mode is left."""
    assert set(ssh(HOST, "podman network ls --format '{{.Name}}'").split()) == NETWORKS[mode]
    links = ssh(HOST, "ip -brief link")
    assert ("macvlan0" in links) == (mode == "macvlan")
    assert ("onetime0" in links) == (mode != "host")
    table = "table ip onetime" in ssh(HOST, "nft list tables")
    assert table == (mode in {"macvlan", "wireguard"})
    names = {f"onetime-{port}" for port in PORTS}
    sidecars = {f"onetime-wg-{port}" for port in PORTS} if mode == "wireguard" else set()
    assert set(ssh(HOST, "podman ps --all --format '{{.Names}}'").split()) == names | sidecars
    units = ssh(HOST, "systemctl list-units --all --plain --no-legend 'onetime-wg@*'")
    assert len(units.splitlines()) == len(sidecars)
    assert ("10.89.43" in ssh(HOST, "ip route; nft list ruleset")) == (mode != "host")
    files = ssh(HOST, "ls /etc/onetime/current/quadlet /run/systemd/generator")
    assert ("onetime.network" in files) == ("onetime-network.service" in files)
    assert ("onetime.network" in files) == (mode == "macvlan")
    assert ("onetime-publish.network" in files) == (mode != "host")
    assert ("onetime-wg@" in files) == (mode == "wireguard")


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def test_the_walk_has_every_move_once() -> None:
    moves = list(itertools.pairwise(WALK))
    assert len(moves) == len(set(moves)) == len(NETWORKS) * (len(NETWORKS) - 1)


def test_one_deploy_moves_a_host_from_any_mode_to_any_other(site: Site) -> None:
    for mode in WALK:
        in_mode(site, mode).deploy_twice()
        check_clean(mode)
        check_paths(site.hosts)


@pytest.mark.parametrize("mode", NETWORKS)
def test_a_mode_survives_a_reboot(site: Site, mode: str) -> None:
    assert in_mode(site, mode).deploy().code == 0
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service")
    check_paths(site.hosts)
    check_clean(mode)
    again = in_mode(site, mode).deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


def test_host_mode_warns_of_what_is_lost(site: Site) -> None:
    run = in_mode(site, "host").pyinfra("deploy.py", "--dry")
    assert run.code == 0, run.output
    assert "gives up isolation" in run.output
