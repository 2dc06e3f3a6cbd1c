"""Releases: all files of a host are staged, checked by Quadlet itself, and swapped in together.

/etc/onetime/releases/7/        one release, never changed once it is there
/etc/onetime/current            -> releases/7; moving this link is the swap
/etc/containers/systemd/onetime -> /etc/onetime/current/quadlet
"""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Generator

from pyinfra import host, logger, state
from pyinfra.api import deploy, operation
from pyinfra.api.output import format_text
from pyinfra.operations.util.files import generate_color_diff

from plan.changes import LINKS, Changes
from plan.model import BROUGHT, CURRENT, HOME, HOST_UNIT, File, HostPlan, Link

_STAGING = f"{HOME}/staging"
_GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"
_KEPT = 5


@deploy("Release")
def install(plan: HostPlan, changes: Changes) -> None:
    """Make the planned files the host's current release, if they are not yet."""
    stage(
        name="Stage the files and check them with Quadlet's generator",
        changes=changes,
        _stdin=_archive(plan) if changes.release is not None else None,
    )
    swap(name="Swap the release in", changes=changes)


@operation()
def stage(changes: Changes) -> Generator[str]:
    """Write the files of the release beside the current one; the archive comes on standard input.

    + changes: what differs; shown as diffs where pyinfra was asked for them
    """
    if changes.release is None:
        host.noop("the current release is as planned")
        return
    if state.config.DIFF:
        _show(changes)
    yield (
        f"set -eu; umask 077; mkdir -p {HOME}/releases; chmod 755 {HOME} {HOME}/releases; "
        f"rm -rf {_STAGING}; mkdir -m 755 {_STAGING}; base64 -d | tar -xp -C {_STAGING}; "
        # The generator names what it rejects, on standard error, and so does this.
        f"QUADLET_UNIT_DIRS={_STAGING}/quadlet {_GENERATOR} --dryrun >/dev/null || "
        f"{{ rm -rf {_STAGING}; exit 1; }}"
    )


@operation()
def swap(changes: Changes) -> Generator[str]:
    """Turn the staged files into the current release and have systemd read them.

    + changes: what differs
    """
    if changes.release is not None:
        release = f"releases/{changes.release}"
        links = [f"ln -sfn {target} {link}" for link, target in LINKS.items()]
        yield "; ".join(
            [
                "set -eu",
                "mkdir -p /etc/containers/systemd",
                f"mv -T {_STAGING} {HOME}/{release}",
                # A rename is atomic where ln -sfn, which removes and makes, is not.
                f"ln -sfn {release} {HOME}/next",
                f"mv -T {HOME}/next {CURRENT}",
                *links,
                "systemctl daemon-reload",
                f"cd {HOME}/releases",
                f"ls | sort -n | head -n -{_KEPT} | xargs -r rm -rf",
            ]
        )
    elif changes.reload:
        yield "systemctl daemon-reload"
    else:
        host.noop("systemd has read the current release")


@operation()
def go_back(release: int) -> Generator[str]:
    """Make an earlier release the current one, and restart what it concerns.

    + release: its number
    """
    yield f"{CURRENT}/fall-back.sh {release}"


@operation()
def remove() -> Generator[str]:
    """Remove every release, what the deploy brought, and what Podman made for it alone."""
    yield "; ".join(
        [
            "set -u",
            f"systemctl stop {HOST_UNIT}",
            f"rm -f {' '.join(LINKS)}",
            f"[ ! -e {BROUGHT} ] || xargs -r podman rmi --ignore <{BROUGHT} >/dev/null",
            f"rm -rf {HOME}",
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
