"""Files go live together, only after Quadlet itself has accepted them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, snapshot, ssh, started

HOST = "plain4"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    assert site.deploy().code == 0
    return site


def test_units_that_quadlet_rejects_never_go_live(site: Site, checkout: Path) -> None:
    template = checkout / "templates" / "onetime@.container.j2"
    template.write_text(template.read_text().replace("[Container]", "[Container]\nNoSuchKey=1"))
    before = snapshot(HOST)
    running = started(HOST)
    run = dataclasses.replace(site, checkout=checkout).deploy()
    assert run.code != 0
    assert "NoSuchKey" in run.output
    assert started(HOST) == running
    assert "Switch over" not in run.output

    def untouched(text: str) -> list[str]:
        """Leave out the directory that the staged files came into and went from."""
        return [line for line in text.splitlines() if not line.startswith("/etc/onetime  ")]

    assert untouched(snapshot(HOST)) == untouched(before)


def test_changed_template_reaches_the_instances(site: Site, checkout: Path) -> None:
    template = checkout / "templates" / "onetime@.container.j2"
    template.write_text(template.read_text().replace("{{ names.INSTANCE_STOP }}", "21"))
    before = started(HOST)
    run = dataclasses.replace(site, checkout=checkout).deploy()
    assert run.code == 0, run.output
    assert all(started(HOST)[name] != when for name, when in before.items())
    site.deploy_twice()
    check_paths(site.hosts)


def test_releases_are_kept_by_five_and_links_lead_to_the_last(site: Site) -> None:
    secret = {"secrets": {"KEY": "env:HOME"}}
    assert dataclasses.replace(site, everywhere=secret).deploy().code == 0
    assert "onetime-KEY-1" in ssh(HOST, "podman secret ls")
    for turn in range(7):
        everywhere = {"environment": {"ONETIME_TEST_TURN": str(turn)}}
        assert dataclasses.replace(site, everywhere=everywhere).deploy().code == 0
    releases = sorted(map(int, ssh(HOST, "ls /etc/onetime/releases").split()))
    assert len(releases) == 5
    # None of those names the secret any more.
    assert "onetime-KEY-1" not in ssh(HOST, "podman secret ls")
    assert ssh(HOST, "readlink /etc/onetime/current") == f"releases/{releases[-1]}"
    assert ssh(HOST, "readlink -f /etc/containers/systemd/onetime").endswith(
        f"/{releases[-1]}/quadlet"
    )


def test_files_that_somebody_edited_are_put_right(site: Site) -> None:
    site.deploy_twice()
    ssh(HOST, "echo '# mine' >> /etc/containers/systemd/onetime/onetime@.container")
    ssh(HOST, "rm /etc/systemd/system/onetime-host-network.service")
    ssh(HOST, "chmod 644 /etc/onetime/current/environment")
    run = site.deploy("--diff")
    assert run.code == 0, run.output
    assert "- # mine" in run.output
    assert ssh(HOST, "stat -Lc %a /etc/onetime/current/environment") == "600"
    site.deploy_twice()
