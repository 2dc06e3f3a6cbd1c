"""Rules or a shim that cut the operator off are taken back by the host itself, in time."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from plan.model import PATIENCE
from tests.lab.conftest import Fresh
from tests.lab.harness import PYINFRA, ROOT, Run, Site, check_paths, ssh, started

HOST = "plain1"

# What a bad template adds to the host's side, in place of what it has.
RULES = (
    "rules.nft.j2",
    "{% for chain in chains %}",
    "chain trap {\n\t\ttype filter hook input priority -100; policy accept;\n"
    "\t\ttcp dport 22 ct state new drop\n\t}\n{% for chain in chains %}",
)
SHIM = (
    "host-network.sh.j2",
    "ip route replace {{ shim.container_range }}",
    # The address that the deploy comes from.
    "ip route replace 203.0.113.254/32 dev {{ shim.interface }}\n"
    "ip route replace {{ shim.container_range }}",
)


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.deploy_twice()
    return site


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the deploy that a test may break."""
    for name in ("facts", "plan", "tasks", "templates", "group_data", "lab"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "deploy.py", tmp_path)
    return tmp_path


def deploy(site: Site, checkout: Path) -> Run:
    done = subprocess.run(
        [str(PYINFRA), str(site.inventory()), "deploy.py", "-y"],
        cwd=checkout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def own_side() -> str:
    """Return what the deploy can do to the host's own network."""
    return ssh(
        HOST, "nft list tables | sort; nft list table ip onetime; ip -brief link; ip -4 route"
    )


@pytest.mark.parametrize("trap", [RULES, SHIM], ids=["rules", "shim"])
def test_a_host_that_is_cut_off_comes_back_in_its_old_state(
    site: Site, checkout: Path, trap: tuple[str, str, str]
) -> None:
    template, text, bad = trap
    path = checkout / "templates" / template
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, bad))
    before, running = own_side(), started(HOST)
    release = ssh(HOST, "readlink /etc/onetime/current")
    site = dataclasses.replace(site, everywhere={"shim": True})
    begun = time.monotonic()
    run = deploy(site, checkout)
    assert run.code != 0
    assert f"no new connection came within {PATIENCE} seconds" in run.output
    # The old connection was not the judge: it heard of all this.
    assert time.monotonic() - begun > PATIENCE
    assert own_side() == before
    assert started(HOST) == running
    assert ssh(HOST, "readlink /etc/onetime/current") == release
    check_paths(site.hosts)
    assert ssh(HOST, "ls /etc/onetime").split() == ["current", "found", "releases"]
