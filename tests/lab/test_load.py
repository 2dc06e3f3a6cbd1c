"""No request is lost: two hosts of two instances behind HAProxy, under load from outside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api
from tests.lab.balancer import balancer, under_load
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, ssh, started

HOSTS = ("plain6", "plain7")
NEWER = {"image": "localhost/onetime-lab:2", "image_archive": str(api.image_archive("2"))}


@pytest.fixture(scope="module")
def site(fresh: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hosts behind HAProxy."""
    site = fresh(*HOSTS)
    site.deploy_twice()
    with balancer(tmp_path_factory.mktemp("balancer"), HOSTS):
        yield site


def deploy_under_load(site: Site) -> set[str]:
    """Deploy while requests are made; none may fail, and every instance must be another then.

    Return the versions of the app that answered.
    """
    before = {host: started(host) for host in HOSTS}
    with under_load() as load:
        run = site.deploy()
    assert run.code == 0, run.output
    for host in HOSTS:
        after = started(host)
        assert after.keys() == before[host].keys() == {f"onetime-{port}" for port in PORTS}
        assert all(after[name] != when for name, when in before[host].items())
    print(load)
    assert not load.failed, str(load)
    assert load.rate >= 100, str(load)
    return load.versions()


def test_requests_that_are_lost_are_seen(site: Site) -> None:
    with under_load() as load:
        for host in site.hosts:
            ssh(host, "systemctl stop 'onetime@*.service'")
        for host in site.hosts:
            ssh(host, "systemctl start onetime@7043 onetime@7044")
    assert load.rate >= 100, str(load)
    assert 0 < len(load.failed) < len(load.answers), str(load)
    assert any("503" in answer.error for answer in load.failed), str(load)


def test_image_change_loses_no_request(site: Site) -> None:
    assert deploy_under_load(dataclasses.replace(site, everywhere=NEWER)) == {"1", "2"}


def test_environment_change_loses_no_request(site: Site) -> None:
    assert dataclasses.replace(site, everywhere=NEWER).deploy().code == 0
    changed = {**NEWER, "environment": {"ONETIME_TEST_X": "changed"}}
    assert deploy_under_load(dataclasses.replace(site, everywhere=changed)) == {"2"}


def test_template_change_loses_no_request(site: Site, checkout: Path) -> None:
    template = checkout / "templates" / "onetime@.container.j2"
    template.write_text(template.read_text().replace("{{ names.INSTANCE_STOP }}", "21"))
    deploy_under_load(dataclasses.replace(site, checkout=checkout))
