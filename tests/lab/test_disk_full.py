"""A full disk stops a deploy with a clear error, and what ran before goes on."""

from __future__ import annotations

import dataclasses

import pytest

from lab import api
from tests.lab.broken import broken
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, ssh, started

HOST = "plain6"
HOME, STORAGE = "/etc/onetime", "/var/lib/containers"
FILL = f"{{ dd if=/dev/zero of={STORAGE}/filler bs=64k 2>/dev/null || :; }}"
NEW = {"environment": {"ONETIME_TEST_A": "1"}}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    """A host whose releases and images are on small file systems of their own."""
    site = fresh(HOST)
    ssh(HOST, f"mkdir -p {HOME}; mount -t tmpfs -o size=2m tmpfs {HOME}; chmod 755 {HOME}")
    ssh(HOST, f"mount -t tmpfs -o size=64m tmpfs {STORAGE}")
    site.deploy_twice()
    return site


def fails_without_harm(site: Site, *told: str) -> None:
    """Deploy; check that it says why it cannot, and that the host is as it was."""
    before, release = started(HOST), ssh(HOST, f"readlink {HOME}/current")
    run = site.deploy()
    assert run.code != 0
    for words in told:
        assert words in run.output, run.output
    assert started(HOST) == before
    assert ssh(HOST, f"readlink {HOME}/current") == release
    assert "staging" not in ssh(HOST, f"ls {HOME}")
    assert "onetime" not in ssh(HOST, "ls /var/lib/containers")
    check_paths([HOST])


def test_disk_fills_while_a_release_is_written(site: Site) -> None:
    ssh(
        HOST,
        f"dd if=/dev/zero of={HOME}/filler bs=4k 2>/dev/null || truncate -s -20k {HOME}/filler",
    )
    big = {"environment": {f"ONETIME_TEST_{n}": "x" * 1000 for n in range(30)}}
    fails_without_harm(
        dataclasses.replace(site, everywhere=big),
        "No space left on device",
        f"the release cannot be written to {HOME}; nothing was changed",
    )
    ssh(HOST, f"rm {HOME}/filler")
    dataclasses.replace(site, everywhere=big).deploy_twice()
    site.deploy_twice()


@pytest.mark.parametrize("spare", [0, 1])
def test_disk_fills_while_releases_are_kept_and_changed(site: Site, spare: int) -> None:
    """The release itself has room; the files that a change to it needs have not."""
    needed = int(ssh(HOST, f"find {HOME}/current/ ! -name served | wc -l")) + spare
    used = int(ssh(HOST, f"df --output=iused {HOME} | tail -n 1"))
    ssh(HOST, f"mount -o remount,nr_inodes={used + needed} {HOME}")
    fails_without_harm(dataclasses.replace(site, everywhere=NEW), "No space left on device")
    ssh(HOST, f"mount -o remount,nr_inodes=10000 {HOME}")
    dataclasses.replace(site, everywhere=NEW).deploy_twice()
    site.deploy_twice()


def test_disk_fills_while_an_image_is_loaded(site: Site) -> None:
    # An image that shares no layer with the one that is there.
    other = {
        "image": "localhost/onetime-lab-wg:1",
        "image_archive": str(api.wireguard_archive()),
    }
    with broken(HOST, "podman", "load*", f"{FILL}; truncate -s -1M {STORAGE}/filler"):
        fails_without_harm(
            dataclasses.replace(site, everywhere=other),
            "no space left on device",
            "image localhost/onetime-lab-wg:1: it cannot be loaded; nothing was restarted",
        )
    ssh(HOST, f"rm {STORAGE}/filler")
    site.deploy_twice()


def test_change_is_refused_where_no_room_is_left_for_containers(site: Site) -> None:
    """Instances would stop, and neither release could start them."""
    ssh(HOST, FILL)
    # The questions about the paths are asked by `podman exec`, which takes notes itself.
    ssh(HOST, f"truncate -s -512k {STORAGE}/filler")
    changed = dataclasses.replace(site, everywhere={"environment": {"ONETIME_TEST_FULL": "1"}})
    fails_without_harm(changed, f"{HOST}: disk: {STORAGE} has ")
    ssh(HOST, f"rm {STORAGE}/filler")
    changed.deploy_twice()
    site.deploy_twice()


def test_full_disk_is_refused_before_anything_is_touched(site: Site) -> None:
    site.deploy_twice()
    ssh(HOST, "mount -t tmpfs -o size=1m tmpfs /var/tmp")
    other = {"image": "localhost/onetime-lab:2", "image_archive": str(api.image_archive("2"))}
    fails_without_harm(
        dataclasses.replace(site, everywhere=other),
        f"{HOST}: disk: /var/tmp has ",
    )
    ssh(HOST, "umount /var/tmp")
    dataclasses.replace(site, everywhere=other).deploy_twice()
