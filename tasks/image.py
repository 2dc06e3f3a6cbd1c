"""The image is on the host before anything is restarted."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from pathlib import Path

from pyinfra.api import deploy, operation

from facts.tag import REFUSAL
from names import BROUGHT, BROUGHT_IDS, FOUND, IMAGE_STORE, NOTICE, REGISTRY_RUN, SIGN_OF_LIFE
from plan.compare.changes import Changes, How
from plan.model import HostPlan
from tasks import lock
from tasks.archive import ArchiveLines, image_ids


@deploy("Image")
def ensure(plan: HostPlan, changes: Changes, login: str) -> None:
    """Load each image from its archive or pull it, if the host does not have it.

    All hosts do so at the same time, and the first that cannot ends the run.

    + login: the text of the auth file to pull with, empty without a login
    """
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
            login=bool(login) and way == "pull",
            _stdin=ArchiveLines(path) if path else login or None,
        )


@operation()
def bring(image: str, way: How, ids: list[str], login: bool) -> Generator[str]:
    """Load or pull an image, and fail clearly if it is not there then.

    + image: the reference that must exist afterwards
    + way: `load` (the archive comes on standard input), `pull`, or none if it is there already
    + ids: the IDs of what the archive holds; any will do where they are not known
    + login: whether the text of an auth file comes on standard input where it is pulled
    """
    if way is not None:
        yield f"{lock.HELD}; {bringing(image, way, ids, login=login)}"


def bringing(image: str, way: How, ids: Sequence[str], *, login: bool) -> str:
    """Return the script that brings an image; what it takes is as `bring` says."""
    reference = shlex.quote(image)
    if way == "load":
        # No file of the archive is ever on the host, where others might reach it before Podman.
        get = "base64 -d | gzip -dc | podman load --quiet"
        trouble, refusal = "it cannot be loaded", ""
        absence = "image_archive holds no image of that name: see podman images for what it held"
    else:
        get = f"podman pull --quiet {_AUTHFILE if login else ''}{reference}"
        trouble = "it cannot be pulled: correct image, or set registry_login or image_archive"
        refusal = _REFUSED if login else _NOT_ASKED
        absence = "it was pulled and is not there"
    return "; ".join(
        [
            "set -u",
            f'give_up() {{ echo "image {image}: $1; nothing was restarted" >&2; exit 1; }}',
            *([_LOGIN] if login and way == "pull" else []),
            f"before=$({_ID} {reference} 2>/dev/null)",
            _BEAT,
            f"said=$({get} 2>&1 >/dev/null); code=$?; kill $beat",
            # What Podman says tells a refusal from a registry that is away.
            '[ $code = 0 ] || echo "$said" >&2',
            *([f"! {_IS_REFUSED} || give_up '{refusal}'"] if refusal else []),
            f"[ $code = 0 ] || give_up '{trouble}'",
            f"id=$({_ID} {reference} 2>/dev/null) || give_up '{absence}'",
            *([_expected(ids)] if ids else []),
            # teardown.py takes away what was brought, and no image that was there before.
            f"mkdir -p {FOUND}",
            f'[ -n "$before" ] || {_noted(reference, BROUGHT)}',
            f'[ "$before" = "$id" ] || {_noted(_QUOTED_ID, BROUGHT_IDS)}',
        ]
    )


_ID = "podman image inspect --format '{{.Id}}'"
_QUOTED_ID = '"$id"'
_REFUSED = "the registry refuses registry_login: correct its user and password"
_NOT_ASKED = "the registry refuses to give it to somebody unknown: set registry_login"
# The login is there for as long as this takes, in memory, and for root alone.
_LOGIN = (
    f"login=$(mktemp {REGISTRY_RUN}.XXXXXX) || exit; trap 'rm -f \"$login\"' EXIT; "
    "trap 'exit 1' HUP INT TERM; cat >\"$login\""
)
_IS_REFUSED = f"{{ [ $code != 0 ] && echo \"$said\" | grep -Eiq '{REFUSAL}'; }}"
_AUTHFILE = '--authfile "$login" '
# Signs of life, with what has come so far. The last sleep must not keep the connection.
_USED = f"df --output=used --block-size=1M {IMAGE_STORE} 2>/dev/null | tail -n 1"
_BEAT = (
    f"least=$({_USED}); while sleep {SIGN_OF_LIFE} </dev/null >/dev/null 2>&1; do now=$({_USED}); "
    f'echo "{NOTICE}brings the image, $((${{now:-0}} - ${{least:-0}})) MiB so far" >&2; '
    "done & beat=$!"
)


def _expected(ids: Sequence[str]) -> str:
    return (
        f"case $id in {'|'.join(ids)}) ;; *) give_up 'the host has another image of that name than "
        "the one that was sent' ;; esac"
    )


def _noted(line: str, path: str) -> str:
    return f"grep -qsxF {line} {path} || echo {line} >>{path}"
