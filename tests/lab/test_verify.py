"""The deploy is done when every path answers; one that does not is named, with its cause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, ssh, started

HOSTS = ("plain4", "plain5")


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(*HOSTS)
    assert site.deploy().code == 0
    return site


def is_final(line: str) -> bool:
    """Tell whether a line names a path that was dead the second time, too."""
    return "Likely cause" in line and "asked again" not in line


@pytest.fixture
def blocked(site: Site) -> Iterator[None]:
    """Drop one instance's way to the database, where only a packet can notice."""
    assert "plain4" in site.hosts
    rules = "table ip blocked { chain out { type filter hook output priority 0; %s drop; }; }"
    enter = "nsenter --target $(podman inspect --format '{{.State.Pid}}' onetime-7044) --net"
    ssh("plain4", f"{enter} nft '{rules % 'tcp dport 6379'}'")
    yield
    ssh("plain4", f"{enter} nft delete table ip blocked")


@pytest.mark.usefixtures("blocked")
def test_dead_path_to_the_database_is_named_with_its_cause(site: Site) -> None:
    before = {host: started(host) for host in HOSTS}
    run = site.deploy()
    assert run.code != 0
    failed = [line for line in run.output.splitlines() if is_final(line)]
    (database,) = [line for line in failed if "to the database" in line]
    assert "plain4: instance 7044 to the database maindb:6379: timeout" in database
    assert "packets are dropped" in database
    assert not [line for line in failed if "7043" in line or "plain5:" in line]
    assert {host: started(host) for host in HOSTS} == before


@pytest.fixture
def dropped(site: Site) -> Iterator[None]:
    """Drop what the host sends to its own published ports, where all rules are there."""
    assert "plain5" in site.hosts
    chain = "chain out { type filter hook output priority -200; tcp dport { 7043, 7044 } drop; }"
    ssh("plain5", f"nft 'table ip blocked {{ {chain}; }}'")
    yield
    ssh("plain5", "nft delete table ip blocked")
    check_paths(HOSTS)


@pytest.mark.usefixtures("dropped")
def test_dead_published_ports_are_named_with_the_cure(site: Site) -> None:
    run = site.deploy()
    assert run.code != 0
    failed = [line for line in run.output.splitlines() if is_final(line)]
    assert len(failed) == 4
    assert all("plain5: instance 704" in line for line in failed)
    assert any("systemctl restart onetime-host-network" in line for line in failed)


def test_instance_that_somebody_stopped_or_killed_runs_again(site: Site) -> None:
    before = started("plain4")
    ssh("plain4", "systemctl stop onetime@7043.service")
    ssh("plain4", "podman network rm -f onetime-publish")
    run = site.deploy()
    assert run.code == 0, run.output
    assert started("plain4").keys() == before.keys()
    check_paths(HOSTS)
    site.deploy_twice()
