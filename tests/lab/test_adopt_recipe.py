"""Hosts that run the recipe's own units are taken over: host by host, no request is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api
from tests.lab.balancer import balancer, under_load
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, ssh, wait_until

HOSTS = ("plain9", "plain10")
CONTAINER = "/etc/containers/systemd/onetime@.container"
NETWORK = "/etc/containers/systemd/onetime.network"
# What people copy, on a bridge: on macvlan its published ports would be dead from the start.
RECIPE = {
    NETWORK: "[Network]\nSubnet=10.92.0.0/24\n",
    CONTAINER: (
        "[Container]\nImage=localhost/onetime-lab:1\nNetwork=onetime.network\n"
        "PublishPort=%i:3000\n\n[Install]\nWantedBy=multi-user.target\n"
    ),
}
WORDS = {"network_mode": "routed"}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = dataclasses.replace(fresh(*HOSTS), everywhere=WORDS)
    for host in HOSTS:
        done = api.ssh(host, "podman load -q", stdin=api.image_archive("1"))
        assert done.returncode == 0, done.stderr
        ssh(host, "echo 10.0.0.10 maindb >>/etc/hosts")
    return site


@pytest.fixture(autouse=True)
def theirs(site: Site) -> Iterator[None]:
    """Have the recipe's instances running, and nothing of the deploy's."""
    assert site.pyinfra("teardown.py", "-y").code == 0
    for host in HOSTS:
        for path, text in RECIPE.items():
            ssh(host, f"mkdir -p {Path(path).parent}; cat >{path} <<'END'\n{text}END")
        ssh(host, "systemctl daemon-reload; systemctl restart onetime@7043 onetime@7044")
        for port in PORTS:
            wait_until(host, f"curl -fsS http://127.0.0.1:{port}/whoami", seconds=30)
    yield
    for host in HOSTS:
        ssh(host, f"rm -f {' '.join(RECIPE)}")


def hand_over(site: Site) -> None:
    refused = site.deploy()
    assert f"this deploy did not make {NETWORK}, {CONTAINER}" in refused.output
    assert site.pyinfra("verbs/adopt.py", "-y").code == 0


def source(host: str) -> str:
    return ssh(host, "systemctl show --property=SourcePath --value onetime@7043")


def test_no_request_is_lost_while_host_after_host_is_taken_over(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hand_over(site)
    with balancer(tmp_path_factory.mktemp("balancer"), HOSTS), under_load() as load:
        run = site.deploy()
    assert run.code == 0, run.output
    assert not load.failed, str(load)
    assert load.rate >= 100, str(load)
    check_paths(HOSTS)
    for host in HOSTS:
        assert source(host).startswith("/etc/onetime/releases/1/")
        assert ssh(host, f"ls /etc/onetime-adopted{CONTAINER}")
        assert "systemd-onetime" not in ssh(host, "podman network ls")
    site.deploy_twice()


def test_what_was_there_is_back_where_the_deploy_fails(site: Site) -> None:
    hand_over(site)
    broken = {
        "image": "localhost/onetime-lab:exits",
        "image_archive": str(api.image_archive("exits")),
    }
    run = dataclasses.replace(site, everywhere={**WORDS, **broken}).deploy()
    assert run.code != 0, run.output
    for host in HOSTS:
        for port in PORTS:
            wait_until(host, f"curl -fsS http://127.0.0.1:{port}/whoami", seconds=30)
        assert source(host) == CONTAINER
    # What is mended is taken over then.
    assert site.deploy().code == 0
    check_paths(HOSTS)
    site.deploy_twice()
