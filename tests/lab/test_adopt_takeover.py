"""Units of the app's own tool are taken over port by port: behind HAProxy no request is lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from lab import api
from tests.lab.balancer import balancer, under_load
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, ssh, wait_until
from tests.lab.test_adopt import HOST, HOST_NETWORKED, write

HOSTS = (HOST,)
LANE = HOST
UNIT = "/etc/containers/systemd/onetime-web@.container"
KEPT = f"/etc/onetime-adopted{UNIT}"
WORDS = {"network_mode": "host", "environment": {"REDIS_URL": "redis://maindb:6379/0"}}
TOOL = HOST_NETWORKED.replace("Secret=ots_session,type=env,target=SESSION_SECRET\n", "")


@pytest.fixture(scope="module")
def site(fresh: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A host with two instances of the tool's, behind HAProxy."""
    site = dataclasses.replace(fresh(*HOSTS), everywhere=WORDS)
    done = api.ssh(HOST, "podman load -q", stdin=api.image_archive("1"))
    assert done.returncode == 0, done.stderr
    write(UNIT, TOOL)
    write("/etc/default/onetimesecret", "REDIS_URL=redis://maindb:6379/0")
    start_theirs()
    with balancer(tmp_path_factory.mktemp("balancer"), HOSTS):
        yield site


@pytest.fixture(autouse=True)
def theirs(site: Site) -> None:
    """Have nothing of the deploy's on the host, and the tool's instances running."""
    assert site.pyinfra("teardown.py", "-y").code == 0
    start_theirs()


def start_theirs() -> None:
    """Start the tool's instances, from the file that is kept if it was moved aside."""
    ssh(HOST, f"[ -e {UNIT} ] || mv {KEPT} {UNIT}; systemctl daemon-reload")
    for port in PORTS:
        ssh(HOST, f"systemctl start onetime-web@{port}")
        wait_until(HOST, f"curl -fsS http://127.0.0.1:{port}/api/v2/status", seconds=30)


def active(unit: str) -> bool:
    """Tell whether a unit of the host is active."""
    return api.ssh(HOST, f"systemctl is-active --quiet {unit}").returncode == 0


def hand_over(site: Site) -> None:
    """Have the next deploy take over what is there; the second time changes nothing."""
    assert "something else listens on port 7043" in site.deploy().output
    first = site.pyinfra("verbs/adopt.py", "-y")
    assert first.code == 0, first.output
    assert "the next deploy takes over 7044 from onetime-web@7044.service" in first.output
    assert site.pyinfra("verbs/adopt.py", "-y").changed == 0
    assert all(active(f"onetime-web@{port}") for port in PORTS)


@pytest.mark.parametrize("mode", ["host", "macvlan"])
def test_units_are_taken_over_port_by_port(site: Site, mode: str) -> None:
    site = dataclasses.replace(site, everywhere={**WORDS, "network_mode": mode})
    hand_over(site)
    dry = site.pyinfra("deploy.py", "--dry")
    assert "onetime-web@7043.service stops before the instance on its port" in dry.output
    with under_load() as load:
        run = site.deploy()
    assert run.code == 0, run.output
    print(load)
    assert not load.failed, str(load)
    assert load.rate >= 100, str(load)
    for port in PORTS:
        assert active(f"onetime@{port}")
        assert not active(f"onetime-web@{port}")
    assert "onetime-web@7043.service" not in ssh(HOST, "ls /run/systemd/generator")
    ssh(
        HOST,
        f"[ ! -e {UNIT} ] && [ -e {KEPT} ] && [ ! -e /etc/onetime/adopting ]",
    )
    assert "onetime-adopt" not in ssh(HOST, "nft list tables")
    again = site.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


@pytest.mark.parametrize("mode", ["host", "macvlan"])
def test_units_come_back_where_an_instance_fails(site: Site, mode: str) -> None:
    words = {**WORDS, "network_mode": mode, "health_command": "false"}
    site = dataclasses.replace(site, everywhere=words)
    hand_over(site)
    with under_load() as load:
        run = site.deploy()
    assert run.code == 1, run.output
    assert "starts onetime-web@7043.service again" in run.output
    print(load)
    assert not load.failed, str(load)
    assert load.rate >= 100, str(load)
    assert all(active(f"onetime-web@{port}") for port in PORTS)
    assert not active("onetime@7043")
    assert "onetime" not in ssh(HOST, "nft list tables")
    assert (
        api.ssh(HOST, f"[ -e {UNIT} ] && [ ! -e /etc/containers/systemd/onetime ]").returncode == 0
    )


def test_teardown_takes_back_what_was_handed_over(site: Site) -> None:
    hand_over(site)
    run = site.pyinfra("teardown.py", "-y")
    assert run.code == 0, run.output
    assert all(active(f"onetime-web@{port}") for port in PORTS)
    ssh(HOST, f"[ -e {UNIT} ] && [ ! -e /etc/onetime ]")
