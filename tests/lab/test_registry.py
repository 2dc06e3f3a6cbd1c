"""Images from a registry that wants to know who asks: pulled, pinned, followed, away, removed."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from lab import api
from lab.registry import PASSWORD, USER
from names import KEPT_RELEASES
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, page, snapshot, ssh, started, wait_until
from tests.lab.registries import REPOSITORY, Registry

HOST = "plain13"
PUBLIC = "203.0.113.23"
LIVE = f"{REPOSITORY}:live"
THEIRS = "localhost/onetime-lab:exits"
ENCODED = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="module")
def bare(fresh: Fresh) -> Site:
    return fresh(HOST)


@pytest.fixture(scope="module")
def registry(bare: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Return a registry that `bare` trusts."""
    registry = Registry(tmp_path_factory.mktemp("lab") / "registry")
    registry.start()
    registry.trust(bare.hosts[0])
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def site(bare: Site, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the inventory of a host that has no image but one of somebody else's."""
    for version, tag in (("1", "live"), ("1", "1"), ("2", "2")):
        registry.push(HOST, version, tag)
    assert api.ssh(HOST, "podman load", stdin=api.image_archive("exits")).returncode == 0
    password = tmp_path_factory.mktemp("passwords") / "password"
    password.write_text(f"{PASSWORD}\n")
    return dataclasses.replace(bare, everywhere=words(image=LIVE, password=f"file:{password}"))


def words(*, image: str, password: str, **others: Any) -> dict[str, Any]:
    login = {"user": USER, "password": password}
    return {"image": image, "image_archive": None, "registry_login": login, **others}


def but(site: Site, **others: Any) -> Site:
    """Return the inventory with some words changed."""
    return dataclasses.replace(site, everywhere={**site.everywhere, **others})


def version() -> str:
    (only,) = {page("outside", PUBLIC, port)["version"] for port in (7043, 7044)}
    return only


def images() -> list[str]:
    """Return the names of all images of the host; `<none>:<none>` for one that has none."""
    return sorted(ssh(HOST, "podman images --format '{{.Repository}}:{{.Tag}}'").splitlines())


def test_image_is_pulled_with_a_login_that_stays_nowhere(site: Site) -> None:
    assert images() == [THEIRS]
    run = site.deploy("-vvv", "--debug")
    assert run.code == 0, run.output
    for form in (PASSWORD, ENCODED):
        assert form not in run.output
        places = "/etc /root /run /tmp /var/log /var/tmp /var/lib/onetime /var/lib/containers"
        assert ssh(HOST, f"grep -rlsF -D skip -e {form} {places} || true") == ""
    assert ssh(HOST, "ls -d /run/onetime-registry* /run/containers/0/auth.json || true") == ""
    site.deploy_twice()
    check_paths(site.hosts)
    assert version() == "1"


def test_tag_that_has_moved_is_a_change_where_it_is_followed(
    site: Site, registry: Registry
) -> None:
    site.deploy_twice()
    followed = but(site, follow_tag=True)
    assert followed.deploy().changed == 0
    before = ssh(HOST, f"podman image inspect --format '{{{{.Digest}}}}' {LIVE}")
    after = registry.push(HOST, "2", "live")
    assert before != after

    running = started(HOST)
    assert site.deploy().changed == 0
    assert started(HOST) == running

    untouched = snapshot(HOST)
    dry = followed.pyinfra("deploy.py", "--dry")
    assert dry.code == 2, dry.output
    assert f"its tag has moved {before[:19]} → {after[:19]}" in dry.output
    assert snapshot(HOST) == untouched
    assert ssh(HOST, "ls -d /run/onetime-registry* || true") == ""

    run = followed.deploy_twice()
    assert f"its tag has moved {before[:19]} → {after[:19]}" in run.output
    assert version() == "2"
    assert ssh(HOST, "cat /etc/onetime/current/about").split()[2] == after
    check_paths(site.hosts)

    # Back to what the tag stood for, and forward again.
    assert followed.pyinfra("rollback.py", "-y").code == 0
    assert version() == "1"
    followed.deploy_twice()
    assert version() == "2"


def test_digest_runs_whatever_its_tag_stands_for(site: Site, registry: Registry) -> None:
    digest = registry.push(HOST, "1", "pinned")
    registry.push(HOST, "2", "pinned")
    for image in (f"{REPOSITORY}@{digest}", f"{REPOSITORY}:pinned@{digest}"):
        but(site, image=image).deploy_twice()
        assert version() == "1"
    but(site, image=f"{REPOSITORY}:2").deploy_twice()
    assert version() == "2"


def test_wrong_password_is_told_and_nothing_is_restarted(site: Site, registry: Registry) -> None:
    site.deploy_twice()
    registry.push(HOST, "2", "unseen")
    running = started(HOST)
    wrong = {"user": USER, "password": 'command:["echo", "wrong"]'}

    image = f"{REPOSITORY}:unseen"
    run = but(site, image=image, registry_login=wrong).deploy()
    assert run.code != 0
    told = f"image {image}: the registry refuses registry_login: correct its user and password"
    assert run.output.count(told) == 1
    (line,) = [line for line in run.output.splitlines() if told in line]
    assert HOST in line

    run = but(site, image=image, registry_login=None).deploy()
    assert run.code != 0
    told = f"image {image}: the registry refuses to give it to somebody unknown: set registry_login"
    assert told in run.output

    run = but(site, registry_login=wrong, follow_tag=True).deploy()
    assert run.code != 0
    assert f"  - {HOST}: registry_login: the registry refuses this login" in run.output

    # What is there asks nobody.
    assert but(site, registry_login=wrong).deploy().changed == 0
    assert started(HOST) == running


def test_registry_that_is_away_stops_nothing(site: Site, registry: Registry) -> None:
    site.deploy_twice()
    registry.stop()
    try:
        ssh(HOST, "systemctl restart onetime@7043")
        check_paths(site.hosts)
        api.reboot(HOST)
        for port in (7043, 7044):
            wait_until(HOST, f'[ "$(systemctl is-active onetime@{port})" = active ]')
        check_paths(site.hosts)

        running = started(HOST)
        assert site.deploy().changed == 0
        run = but(site, follow_tag=True).deploy()
        assert (run.code, run.changed) == (0, 0), run.output
        assert f"the registry does not tell what {LIVE} stands for now" in run.output

        image = f"{REPOSITORY}:away"
        run = but(site, image=image).deploy()
        assert run.code != 0
        assert f"image {image}: it cannot be pulled" in run.output
        assert started(HOST) == running
    finally:
        registry.start()


def test_images_that_no_kept_release_runs_are_removed(site: Site) -> None:
    site.deploy_twice()
    current = f"{REPOSITORY}:2"
    # One instance is quicker to change than two.
    for number in range(KEPT_RELEASES):
        assert LIVE in images()
        environment = {"ONETIME_TEST_N": str(number)}
        run = but(site, image=current, instances=[7043], environment=environment).deploy()
        assert run.code == 0, run.output
    # The moved tag's former image has gone with it; the one that was there before is there.
    assert images() == [THEIRS, current]
    assert ssh(HOST, "cat /etc/onetime/found/brought-images") == current
    assert len(ssh(HOST, "cat /etc/onetime/found/brought-ids").split()) == 1


def test_teardown_takes_what_was_brought_and_no_other_image(site: Site) -> None:
    assert site.deploy().code == 0
    assert site.pyinfra("teardown.py", "-y").code == 0
    assert images() == [THEIRS]
