"""Teardown leaves a host as it was found, in every mode."""

from __future__ import annotations

import dataclasses
import difflib

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import check_paths, ssh

HOST = "plain1"

# Podman's `cache` of what it knows about layers comes with the first image, and is its own.
FOUND = (
    "find /etc -xdev -type d -printf '%p/\\n' -o -printf '%p %l %m %u %s\\n' | sort; "
    "ip -brief link; ip -4 -brief address; ip -4 rule; ip -4 route; nft list ruleset; "
    "podman ps -a; podman network ls; podman secret ls; podman images; podman volume ls; "
    "ls /run/systemd/generator; ls -I cache /var/lib/containers; "
    "systemctl list-units --all --plain --no-legend 'onetime*'; "
    "sysctl -a 2>/dev/null | grep -E '^net.ipv4.(ip_forward|conf.(all|default|eth0|eth1).)'"
)


@pytest.mark.parametrize("mode", ["macvlan", "routed", "direct", "host"])
def test_teardown_leaves_the_host_as_it_was_found(fresh: Fresh, mode: str) -> None:
    site = dataclasses.replace(
        fresh(HOST),
        everywhere={
            "network_mode": mode,
            "shim": mode == "macvlan",
            "secrets": {"KEY": "env:HOME"},
        },
    )
    before = ssh(HOST, FOUND).splitlines()
    site.deploy_twice()
    check_paths(site.hosts)
    assert ssh(HOST, FOUND).splitlines() != before
    run = site.pyinfra("teardown.py", "-y")
    assert run.code == 0, run.output
    after = ssh(HOST, FOUND).splitlines()
    assert [line for line in difflib.ndiff(before, after) if line[:1] in "+-"] == []
    again = site.pyinfra("teardown.py", "-y")
    assert again.code == 0, again.output
    # And it can be put there again.
    site.deploy_twice()


def test_teardown_asks_first(fresh: Fresh) -> None:
    site = fresh(HOST)
    assert site.deploy().code == 0
    site.pyinfra("teardown.py")
    check_paths(site.hosts)


def test_teardown_leaves_the_rest_of_the_host_alone(fresh: Fresh) -> None:
    site = fresh(HOST)
    assert site.deploy().code == 0
    ssh(HOST, "podman network create mine; nft add table ip mine")
    ssh(HOST, "echo x >/etc/containers/systemd/mine.volume; echo x | podman secret create mine -")
    assert site.pyinfra("teardown.py", "-y").code == 0
    assert "mine" in ssh(HOST, "podman network ls -q")
    assert "table ip mine" in ssh(HOST, "nft list tables")
    assert "mine.volume" in ssh(HOST, "ls /etc/containers/systemd")
    assert "mine" in ssh(HOST, "podman secret ls")
