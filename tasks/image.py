"""The image is on the host before anything is restarted."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from pathlib import Path

from pyinfra.api import deploy, operation

from names import BROUGHT, FOUND, NOTICE, SIGN_OF_LIFE
from plan.compare.changes import Changes
from plan.model import HostPlan
from tasks import lock
from tasks.archive import ArchiveLines, image_ids


@deploy("Image")
def ensure(plan: HostPlan, changes: Changes) -> None:
    """Load each image from its archive or pull it, if the host does not have it."""
    settings, tunnel = plan.settings, plan.settings.tunnel
    images = [(settings.image, settings.image_archive, changes.image)]
    if tunnel is not None:
        images.append((tunnel.image, tunnel.image_archive, changes.sidecar_image))
    for image, archive, way in images:
        path = Path(archive) if way == "load" and archive is not None else None
        bring(
            name="Have the image",
            image=image,
            way=way,
            ids=sorted(image_ids(path)) if path else [],
            _stdin=ArchiveLines(path) if path else None,
        )


@operation()
def bring(image: str, way: str | None, ids: list[str]) -> Generator[str]:
    """Load or pull an image, and fail clearly if it is not there then.

    + image: the reference that must exist afterwards
    + way: `load` (the archive comes on standard input), `pull`, or none if it is there already
    + ids: the IDs of what the archive holds; any will do where they are not known
    """
    if way is None:
        return
    reference = shlex.quote(image)
    # No file of the archive is ever on the host, where others might reach it before Podman does.
    get, trouble, absence = {
        "load": (
            "base64 -d | gzip -dc | podman load --quiet >/dev/null",
            "it cannot be loaded; nothing was restarted",
            "image_archive holds no image of that name: see podman images for what it held; "
            "nothing was restarted",
        ),
        "pull": (
            f"podman pull --quiet {reference}",
            "cannot be pulled; correct image, log in to the registry with podman login, "
            "or set image_archive",
            "it was pulled and is not there; nothing was restarted",
        ),
    }[way]
    yield "; ".join(
        [
            f"set -u; {lock.HELD}",
            f'give_up() {{ echo "image {image}: $1" >&2; exit 1; }}',
            # What sleeps holds nothing open that the end of this is awaited by.
            f"while sleep {SIGN_OF_LIFE} >/dev/null 2>&1; do "
            f"echo '{NOTICE}brings the image' >&2; done & beat=$!",
            f"{get} && kill $beat || {{ kill $beat; give_up {shlex.quote(trouble)}; }}",
            f"id=$(podman image inspect --format '{{{{.Id}}}}' {reference} 2>/dev/null) || "
            f"give_up {shlex.quote(absence)}",
            *(
                [
                    f"case $id in {'|'.join(ids)}) ;; *) give_up 'the host has another image of "
                    "that name than the one that was sent; nothing was restarted' ;; esac"
                ]
                if ids
                else []
            ),
            # teardown.py takes away what was brought, and no image that was there before.
            f"mkdir -p {FOUND}; grep -qsxF {reference} {BROUGHT} || echo {reference} >> {BROUGHT}",
        ]
    )
