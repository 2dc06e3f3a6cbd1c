"""Rules or a shim that cut the operator off are taken back by the host itself, in time."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from names import PATIENCE
from tests.lab.conftest import Fresh
from tests.lab.harness import (
    IN_BASE,
    Site,
    check_paths,
    ssh,
    started,
)

HOST = "plain6"

# What a bad template adds to the host's side, in place of what it has.
RULES = (
    "templates/rules.nft.j2",
    "{% for chain in chains %}",
    "chain trap {\n\t\ttype filter hook input priority -100; policy accept;\n"
    "\t\ttcp dport 22 ct state new drop\n\t}\n{% for chain in chains %}",
)
SHIM = (
    "host/network.sh",
    'ip route replace "$SHIM_RANGE"',
    # The address that the deploy comes from.
    'ip route replace 203.0.113.254/32 dev "$SHIM"\n  ip route replace "$SHIM_RANGE"',
)


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


def own_side() -> str:
    """Return what the deploy can do to the host's own network."""
    return ssh(
        HOST,
        "nft list tables | sort; nft --stateless list table ip onetime; "
        "ip -brief link; ip -4 route",
    )


@pytest.mark.parametrize("trap", [RULES, SHIM], ids=["rules", "shim"])
def test_host_that_is_cut_off_comes_back_in_its_old_state(
    site: Site, checkout: Path, trap: tuple[str, str, str]
) -> None:
    template, text, bad = trap
    path = checkout / template
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, bad))
    before, running = own_side(), started(HOST)
    release = ssh(HOST, "readlink /etc/onetime/current")
    begun = time.monotonic()
    # The networks change, too: they have to wait until rules and shim may stay.
    everywhere = {"shim": True, "publish_subnet": "10.89.79.0/24"}
    run = dataclasses.replace(site, everywhere=everywhere, checkout=checkout).deploy()
    assert run.code != 0
    assert f"no new connection came within {PATIENCE} seconds" in run.output
    # The old connection was not the judge: it heard of all this.
    assert time.monotonic() - begun > PATIENCE
    assert own_side() == before
    assert started(HOST) == running
    assert ssh(HOST, "readlink /etc/onetime/current") == release
    check_paths(site.hosts)
    assert set(ssh(HOST, "ls /etc/onetime").split()) == IN_BASE


def test_first_deploy_that_cuts_the_host_off_leaves_nothing(fresh: Fresh, checkout: Path) -> None:
    site = fresh(HOST)
    template, text, bad = RULES
    path = checkout / template
    path.write_text(path.read_text().replace(text, bad))
    found = "nft list tables; ip -brief link; ip -4 route; cat /proc/sys/net/ipv4/ip_forward"
    before = ssh(HOST, found)
    run = dataclasses.replace(site, checkout=checkout).deploy()
    assert run.code != 0
    assert "there is no release to go back to" in run.output
    assert ssh(HOST, found) == before
    assert started(HOST) == {}
    site.deploy_twice()
    check_paths(site.hosts)
