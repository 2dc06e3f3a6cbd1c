"""The mode wireguard as keys, peers and instances change, and where the keys are."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

import pytest

from lab import api
from tests.lab import tunnels as wireguard
from tests.lab.conftest import Fresh
from tests.lab.harness import (
    PORTS,
    Site,
    check_paths,
    in_container,
    ssh,
    started,
)
from tests.lab.modes import check_clean

HOST = "plain8"
CLIENT = 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379'


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return dataclasses.replace(fresh(HOST), everywhere=wireguard.settings())


def test_keys_are_in_the_sidecars_alone(site: Site) -> None:
    run = site.deploy("--diff", "-vvv")
    assert run.code == 0, run.output
    everywhere = (
        "cat >/run/needle; "
        "grep --recursive --files-with-matches --fixed-strings --file /run/needle "
        "/etc /run/systemd /run/onetime /var/log 2>/dev/null; "
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | "
        "grep --fixed-strings --file /run/needle; "
        "journalctl --no-pager | grep --fixed-strings --file /run/needle; "
        "podman ps -aq | xargs podman inspect | grep --fixed-strings --file /run/needle; "
        "podman exec onetime-{port} ls /run/secrets 2>/dev/null; "
        "podman exec onetime-wg-{port} stat -c '%a %u' /run/secrets/private-key; "
        "podman exec onetime-wg-{port} cat /run/secrets/private-key | "
        "grep --count --fixed-strings --file /run/needle; rm /run/needle"
    )
    for port, client in zip(PORTS, api.wireguard().clients, strict=False):
        assert client.private_key.read_text().strip() not in run.output
        done = api.ssh(HOST, everywhere.replace("{port}", str(port)), stdin=client.private_key)
        assert done.stdout.split("\n") == ["400 0", "1", ""], done.stdout


def test_tunnel_that_stays_down_gives_way_to_the_release_before(site: Site, tmp_path: Path) -> None:
    routed = dataclasses.replace(site, everywhere={"network_mode": "routed"})
    routed.deploy_twice()
    unknown = tmp_path / "key"
    unknown.write_text(base64.b64encode(b"unknown to the peer, 32 bytes...").decode())
    wrong = wireguard.settings()
    wrong["wireguard"]["instances"][PORTS[0]]["private_key"] = f"file:{unknown}"
    run = dataclasses.replace(site, everywhere=wrong).deploy()
    assert run.code != 0
    assert "counts as started once 203.0.113.2:51820 has answered" in run.output
    assert "going back to release" in run.output
    check_clean(HOST, "routed")
    check_paths(site.hosts)
    again = routed.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output
    assert site.deploy().code == 0


def test_another_key_restarts_its_own_instance_alone(site: Site) -> None:
    assert site.deploy().code == 0
    before = started(HOST)
    changed = wireguard.settings()
    changed["wireguard"]["instances"][PORTS[0]] = wireguard.settings(first=4)["wireguard"][
        "instances"
    ][PORTS[0]]
    dataclasses.replace(site, everywhere=changed).deploy_twice()
    check_paths(site.hosts)
    after = started(HOST)
    assert {name for name in before if after[name] == before[name]} == {
        f"onetime-{PORTS[1]}",
        f"onetime-wg-{PORTS[1]}",
    }
    assert " addr=10.99.0.6:" in in_container(HOST, PORTS[0], CLIENT)
    assert site.deploy().code == 0


def test_preshared_key_and_more_networks(site: Site) -> None:
    more = wireguard.settings(first=10, allowed_ips=["10.77.0.0/24", "10.99.0.0/24"])
    dataclasses.replace(site, everywhere=more).deploy_twice()
    check_paths(site.hosts)
    for port in PORTS:
        assert "10.77.0.0/24 dev wg" in in_container(HOST, port, "ip route")
    # A client whom the tunnel leads to, too, may as well come by the published port.
    public = {host.name: host.public_address for host in api.hosts()}[HOST]
    ssh(HOST, "ip route add 10.99.0.1 via 203.0.113.2")
    for port in PORTS:
        url = f"http://{public}:{port}/whoami"
        client = ["curl", "-sS", "--fail", "-m", "5", "--interface", "10.99.0.1", url]
        done = api.run_in("wgpeer", client)
        assert "client=10.99.0.1\n" in done.stdout, done
    ssh(HOST, "ip route del 10.99.0.1 via 203.0.113.2")
    assert site.deploy().code == 0


def test_one_instance_less_takes_its_tunnel_along(site: Site) -> None:
    assert site.deploy().code == 0
    before = started(HOST)
    fewer = wireguard.settings(PORTS[:1]) | {"instances": list(PORTS[:1])}
    dataclasses.replace(site, everywhere=fewer).deploy_twice()
    check_paths(site.hosts, PORTS[:1])
    left = {f"onetime-{PORTS[0]}", f"onetime-wg-{PORTS[0]}"}
    assert started(HOST) == {name: at for name, at in before.items() if name in left}
    site.deploy_twice()
    check_paths(site.hosts)
