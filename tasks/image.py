"""The image is on the host before anything is restarted."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api import deploy, operation
from pyinfra.operations import files

from plan.changes import Changes
from plan.model import BROUGHT, FOUND, HostPlan

_UPLOADED = "/var/lib/containers/onetime-image.tar"


@deploy("Image")
def ensure(plan: HostPlan, changes: Changes) -> None:
    """Load each image from its archive or pull it, if the host does not have it."""
    settings, tunnel = plan.settings, plan.settings.tunnel
    images = [(settings.image, settings.image_archive, changes.image)]
    if tunnel is not None:
        images.append((tunnel.image, tunnel.image_archive, changes.sidecar_image))
    for image, archive, how in images:
        if how == "load" and archive is not None:
            files.put(
                name="Upload the archive",
                src=archive,
                dest=_UPLOADED,
                mode="600",
                add_deploy_dir=False,
            )
        bring(name="Have the image", image=image, how=how)


@operation()
def bring(image: str, how: str | None) -> Generator[str]:
    """Load or pull an image, and fail clearly if it is not there then.

    + image: the reference that must exist afterwards
    + how: `load`, `pull`, or none if it is there already
    """
    if how is None:
        return
    reference = shlex.quote(image)
    if how == "load":
        yield (
            f"podman load --quiet --input {_UPLOADED}; code=$?; rm -f {_UPLOADED}; "
            f"[ $code = 0 ] || {{ echo 'image {image}: it cannot be loaded; nothing was restarted' "
            ">&2; exit 1; }"
        )
        advice = "image_archive holds no image of that name: see podman images for what it held"
    else:
        yield (
            f"podman pull --quiet {reference} || {{ echo 'image {image}: cannot be pulled; correct "
            "image, log in to the registry with podman login, or set image_archive' >&2; exit 1; }"
        )
        advice = "it was pulled and is not there"
    yield (
        f"podman image exists {reference} || "
        f"{{ echo 'image {image}: {advice}; nothing was restarted' >&2; exit 1; }}"
    )
    # teardown.py takes away what was brought, and no image that was there before.
    yield (f"mkdir -p {FOUND}; grep -qsxF {reference} {BROUGHT} || echo {reference} >> {BROUGHT}")
