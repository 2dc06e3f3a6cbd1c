"""Every network mode carries every path, and one deploy moves a host from any mode to any other."""

from __future__ import annotations

import itertools

import pytest

from lab import api
from tests.lab import modes
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, wait_until
from tests.lab.modes import check_clean

HOST = "plain1"

# Each mode once, by the moves that change the most.
ROUND = ("macvlan", "wireguard", "host", "routed", "direct", "macvlan")
# Every ordered pair of two modes, as one walk.
WALK = (
    *("macvlan", "wireguard", "macvlan", "routed", "wireguard", "routed", "macvlan", "direct"),
    *("wireguard", "direct", "macvlan", "host", "wireguard", "host", "routed", "direct"),
    *("routed", "host", "direct", "host", "macvlan"),
)
MODES = ("macvlan", "routed", "direct", "wireguard", "host")


def in_mode(site: Site, mode: str) -> Site:
    # Two hosts share no WireGuard client, whatever the tests leave up.
    return modes.in_mode(site, mode, client=2)


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def test_walk_has_every_move_once() -> None:
    moves = list(itertools.pairwise(WALK))
    assert len(moves) == len(set(moves)) == len(MODES) * (len(MODES) - 1)


def test_one_deploy_moves_a_host_to_another_mode(site: Site) -> None:
    for mode in ROUND:
        in_mode(site, mode).deploy_twice()
        check_clean(HOST, mode)
        check_paths(site.hosts)


@pytest.mark.exhaustive
def test_one_deploy_moves_a_host_from_any_mode_to_any_other(site: Site) -> None:
    for mode in WALK:
        assert in_mode(site, mode).deploy().code == 0
        check_clean(HOST, mode)
        check_paths(site.hosts)


@pytest.mark.parametrize("mode", MODES)
def test_mode_survives_a_reboot(site: Site, mode: str) -> None:
    assert in_mode(site, mode).deploy().code == 0
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service")
    check_paths(site.hosts)
    check_clean(HOST, mode)
    again = in_mode(site, mode).deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


def test_host_mode_warns_of_what_is_lost(site: Site) -> None:
    run = in_mode(site, "host").pyinfra("deploy.py", "--dry")
    # There is nothing to do where the host is in that mode.
    assert run.code in {0, 2}, run.output
    assert "gives up isolation" in run.output
