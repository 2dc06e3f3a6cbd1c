"""Published ports outlive reloads of the host's firewall; nothing is restarted for that."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, ssh, wait_until
from tests.lab.modes import in_mode
from tests.lab.reloads import RELOADS, answers_again, nothing_is_left_to_do, survives

HOST = "plain4"
FIREWALLD = "firewalld1"
BACK = (
    "[ ! -e /etc/nftables.conf.found ] || mv /etc/nftables.conf.found /etc/nftables.conf; "
    "systemctl disable --quiet nftables; systemctl stop nftables"
)
FIREWALLD_RELOADS = {
    "reload": "firewall-cmd --quiet --reload",
    "restart": "systemctl restart firewalld",
    "reload without Podman's unit": (
        "systemctl stop netavark-firewalld-reload; firewall-cmd --quiet --reload"
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


@pytest.fixture
def nftables() -> Iterator[None]:
    """Put the host's own firewall back as it was found."""
    yield
    ssh(HOST, BACK)
    answers_again(HOST, time.monotonic(), 30)


@pytest.mark.parametrize("reload", RELOADS)
@pytest.mark.parametrize("mode", ["macvlan", "routed"])
@pytest.mark.usefixtures("nftables")
def test_published_ports_answer_again_after_a_reload(site: Site, mode: str, reload: str) -> None:
    there = in_mode(site, mode)
    assert there.deploy().code == 0
    survives(HOST, RELOADS[reload])
    # And once more, with the rules in the chain that drops.
    survives(HOST, "systemctl restart nftables")
    nothing_is_left_to_do(there)


@pytest.mark.parametrize("reload", FIREWALLD_RELOADS)
@pytest.mark.parametrize("mode", ["macvlan", "routed"])
def test_published_ports_answer_again_after_firewalld_reloads(
    firewalld: Site, mode: str, reload: str
) -> None:
    there = in_mode(firewalld, mode, shim=False)
    assert there.deploy().code == 0
    survives(FIREWALLD, FIREWALLD_RELOADS[reload])
    nothing_is_left_to_do(there)


@pytest.fixture(scope="module")
def firewalld(fresh: Fresh) -> Site:
    return fresh(FIREWALLD)


@pytest.mark.usefixtures("nftables")
def test_boot_with_a_firewall_of_the_host(site: Site) -> None:
    deployed = in_mode(site, "macvlan")
    assert deployed.deploy().code == 0
    ssh(HOST, RELOADS["nftables that drops"])
    answers_again(HOST, time.monotonic())
    ssh(HOST, "systemctl enable --quiet nftables")
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service")
    check_paths(deployed.hosts)
    assert "policy drop" in ssh(HOST, "nft list chain inet filter forward")
    nothing_is_left_to_do(deployed)
    survives(HOST, "systemctl restart nftables")


def test_host_mode_has_its_own_table_alone_to_restore(site: Site) -> None:
    there = in_mode(site, "host")
    assert there.deploy().code == 0
    survives(HOST, "nft flush ruleset")
    wait_until(HOST, "nft list table ip onetime")
    assert ssh(HOST, "nft list tables") == "table ip onetime"
    there.deploy_twice()
