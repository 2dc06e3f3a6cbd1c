"""Room on the host's disks, for what is to come and for any change at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from facts.installed import InstalledState
from names import CHANGE_MIB
from plan.images import missing_images
from plan.inventory.settings import Settings
from plan.problems import Problem

# A release is a few dozen kilobytes. What a pull takes is not known before: less has no chance.
_RELEASE_BYTES = 4 << 20
_PULL_BYTES = 256 << 20
_CHANGE_FILES = 1000


def check_space(
    host: str, settings: Settings, installed: InstalledState, *, archives: Mapping[str, int]
) -> Iterator[Problem]:
    """Yield directories that have no room for what is to come; one that `df` cannot tell has.

    + archives: sizes of the images' archives, in bytes, by path
    """
    needed = {"/etc": _RELEASE_BYTES, "/var/lib/containers": 0, "/var/tmp": 0}  # noqa: S108
    for _, _, archive in missing_images(settings, installed):
        if archive is None:
            needed["/var/lib/containers"] += _PULL_BYTES
        else:
            # The archive itself and, unpacked, what is in it; Podman's own copy on the way there.
            needed["/var/lib/containers"] += 3 * archives.get(archive, 0)
            needed["/var/tmp"] += archives.get(archive, 0)  # noqa: S108
    for directory, size in needed.items():
        free = installed.kernel.space.get(directory)
        if free is not None and free < size:
            yield Problem(
                host,
                "disk",
                f"{directory} has {free >> 20} MiB free, and {-(-size >> 20)} MiB are needed",
                "Make room there",
            )


def check_room(host: str, installed: InstalledState) -> Iterator[Problem]:
    """Yield directories without room for any change: for containers, for Podman's own notes.

    A change that finds no room stops instances and starts none, not even those of before.
    """
    kernel = installed.kernel
    for free, least, amount in (
        (kernel.space, CHANGE_MIB << 20, f"{CHANGE_MIB} MiB"),
        (kernel.inodes, _CHANGE_FILES, f"{_CHANGE_FILES} files"),
    ):
        for directory in ("/etc", "/var/lib/containers"):
            if free.get(directory, least) < least:
                yield Problem(
                    host,
                    "disk",
                    f"{directory} has no room for a change, which takes up to {amount}",
                    "Make room there",
                )
