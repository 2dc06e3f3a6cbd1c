"""Releases: all files of a host are staged and checked by Quadlet itself; the switch swaps them in.

/etc/onetime/releases/7/        one release, never changed once it is there
/etc/onetime/current            -> releases/7; moving this link is the swap
/etc/containers/systemd/onetime -> /etc/onetime/current/quadlet
"""

from __future__ import annotations

import base64
import io
import shlex
import tarfile
from collections.abc import Generator

from pyinfra import host, logger, state
from pyinfra.api import operation
from pyinfra.api.output import format_text
from pyinfra.operations.util.files import generate_color_diff

from plan.changes import Changes
from plan.model import BROUGHT, CURRENT, HOME, HOST_UNIT, LINKS, RUN, File, HostPlan, Link
from tasks import lock

_STAGING = f"{HOME}/staging"
_GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"


def stage(*, plan: HostPlan, changes: Changes) -> None:
    """Put the planned files beside the current release, if they are not that already."""
    _stage(
        name="Stage the files and check them with Quadlet's generator",
        changes=changes,
        image=plan.settings.image,
        _stdin=_archive(plan) if changes.release is not None else None,
    )


@operation()
def _stage(changes: Changes, image: str) -> Generator[str]:
    """Write the files of the release beside the current one; the archive comes on standard input.

    + changes: what differs; shown as diffs where pyinfra was asked for them
    + image: what the release runs, for its description
    """
    if changes.release is None:
        host.noop("the current release is as planned")
        return
    if state.config.DIFF:
        _show(changes)
    image_id = f"podman image inspect --format '{{{{.Id}}}}' {shlex.quote(image)} 2>/dev/null"
    yield "; ".join(
        [
            f"set -eu; umask 077; mkdir -p {HOME}/releases; chmod 755 {HOME} {HOME}/releases",
            f'give_up() {{ rm -rf {_STAGING}; echo "$1; nothing was changed" >&2; {lock.FREE}',
            "exit 1; }",
            f"rm -rf {_STAGING}; mkdir -m 755 {_STAGING}",
            f"base64 -d | tar -xp -C {_STAGING} && "
            f'echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) {lock.OPERATOR} $({image_id} || echo none)" '
            f"> {_STAGING}/about || give_up 'the release cannot be written to {HOME}'",
            # The generator names what it rejects, on standard error, and so does this.
            f"QUADLET_UNIT_DIRS={_STAGING}/quadlet {_GENERATOR} --dryrun >/dev/null || "
            "give_up 'Quadlet rejects the files'",
        ]
    )


@operation()
def remove() -> Generator[str]:
    """Remove every release, what the deploy brought, and what Podman made for it alone."""
    label = """'{{index .Spec.Labels "onetime.config"}}'"""
    yield "; ".join(
        [
            "set -u",
            f"systemctl stop {HOST_UNIT}",
            f"rm -f {' '.join(LINKS)}",
            f"[ ! -e {BROUGHT} ] || xargs -r podman rmi --ignore <{BROUGHT} >/dev/null",
            f"rm -rf {HOME} {RUN}",
            "for secret in $(podman secret ls --format '{{.Name}}' --filter name=onetime-); do "
            f'[ -z "$(podman secret inspect --format {label} "$secret")" ] || '
            'podman secret rm "$secret" >/dev/null; done',
            "systemctl daemon-reload",
            "systemctl reset-failed 'onetime*' 2>/dev/null",
            "rmdir --ignore-fail-on-non-empty /etc/containers/systemd /etc/containers/networks "
            "2>/dev/null",
            # Netavark leaves its table, empty, when the last container goes.
            '[ -n "$(podman ps -q)" ] || nft delete table inet netavark 2>/dev/null',
            f"[ ! -e {HOME} ]",
        ]
    )


def _archive(plan: HostPlan) -> str:
    """Return the release as a tar archive in base64: one stream, private modes from the start."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        entries: list[File | Link] = [*plan.files, *plan.links]
        parents = {
            "/".join(parts[:n])
            for parts in (e.path.split("/") for e in entries)
            for n in range(1, len(parts))
        }
        for path in sorted(parents):
            directory = tarfile.TarInfo(path)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(directory)
        for file in plan.files:
            data = file.content.encode()
            member = tarfile.TarInfo(file.path)
            member.size, member.mode = len(data), file.mode
            archive.addfile(member, io.BytesIO(data))
        for link in plan.links:
            member = tarfile.TarInfo(link.path)
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, link.target, 0o777
            archive.addfile(member)
    return base64.encodebytes(buffer.getvalue()).decode()


def _show(changes: Changes) -> None:
    for change in changes.files:
        verb = "create" if change.before is None else "remove" if change.after is None else "modify"
        host.log(f"Will {verb} {format_text(f'{CURRENT}/{change.path}', bold=True)}", logger.info)
        before, after = (
            text.splitlines() if text else [] for text in (change.before, change.after)
        )
        for line in generate_color_diff(before, after):
            logger.info("  %s", line)
        logger.info("")
