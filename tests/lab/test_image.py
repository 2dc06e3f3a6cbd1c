"""An image reaches its host past whoever else is on it, and is the one that was sent."""

from __future__ import annotations

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, ssh, started

HOST = "plain6"
NEWER = {"image": "localhost/onetime-lab:2", "image_archive": str(api.image_archive("2"))}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def test_image_leaves_nothing_where_local_users_write(site: Site) -> None:
    """A /tmp with room for pyinfra's own commands and for no image."""
    ssh(HOST, "mount -t tmpfs -o size=64k,mode=1777 tmpfs /tmp")
    site.deploy_twice()
    check_paths(site.hosts)
    ssh(HOST, "umount /tmp")
    assert "onetime" not in ssh(HOST, "ls /var/lib/containers")


def test_image_that_is_another_than_the_one_sent_is_refused(site: Site) -> None:
    running = started(HOST)
    ssh(
        HOST,
        """printf '%s\\n' '#!/bin/sh' 'if [ "$1" = load ]; then cat >/dev/null' \
            'exec /usr/bin/podman tag localhost/onetime-lab:1 localhost/onetime-lab:2; fi' \
            'exec /usr/bin/podman "$@"' >/usr/local/bin/podman; chmod 755 /usr/local/bin/podman""",
    )
    run = Site(site.directory, site.hosts, everywhere=NEWER).deploy()
    ssh(HOST, "rm /usr/local/bin/podman; podman rmi localhost/onetime-lab:2")
    assert run.code != 0
    assert "the host has another image of that name than the one that was sent" in run.output
    assert started(HOST) == running
    site.deploy_twice()
