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
from pathlib import Path

from pyinfra import host, logger, state
from pyinfra.api import operation
from pyinfra.api.output import format_text
from pyinfra.operations.util.files import generate_color_diff

from facts.release import ReleaseTexts
from names import (
    ABOUT,
    BASE,
    BROUGHT,
    BROUGHT_IDS,
    CONFIG_LABEL,
    CONTAINERS_CONF,
    CURRENT,
    DIGESTS,
    GENERATOR,
    HELD_IMAGES,
    HOST_UNIT,
    INSTANCE,
    LINKS,
    MOUNTED,
    QUADLET_HOME,
    RELEASES,
    RUN,
    SECRET_PREFIX,
    STAGING,
)
from plan.compare.changes import Changes
from plan.compare.files import unshown
from plan.model import File, HostPlan, Link
from tasks import lock

# Where this run puts its files: another one's never become this one's release.
STAGED = f"{STAGING}{lock.RUN_ID}"


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
    # Its digest is what a registry knows it by, its ID what the host does.
    inspect = "podman image inspect --format '{{.Digest}} {{.Id}}'"
    image_names = f"$({inspect} {shlex.quote(image)} 2>/dev/null || echo none)"
    yield "; ".join(
        [
            f"set -eu; {lock.HELD}; umask 077; mkdir -p {RELEASES}; chmod 755 {BASE} {RELEASES}",
            f'give_up() {{ rm -rf {STAGED}; echo "$1; nothing was changed" >&2; {lock.FREE}',
            "exit 1; }",
            # Whoever staged before and holds the lock no more needs it no more.
            f"rm -rf {STAGING}*; mkdir -m 755 {STAGED}",
            f"base64 -d | tar -xp -C {STAGED} && cd {STAGED} && "
            f"find . -type f ! -name {DIGESTS} | LC_ALL=C sort | "
            f"xargs -d '\\n' sha256sum >{DIGESTS} && "
            f'echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) {lock.OPERATOR} {image_names}" '
            f">{ABOUT} || give_up 'the release cannot be written to {BASE}'",
            # The generator names what it rejects, on standard error, and so does this.
            f"QUADLET_UNIT_DIRS={STAGED}/quadlet {GENERATOR} --dryrun >/dev/null || "
            "give_up 'Quadlet rejects the files'",
        ]
    )


@operation()
def remove(volumes: list[str], remove_data: bool) -> Generator[str]:
    """Remove every release, what the deploy brought, and what Podman made for it alone.

    + volumes: those that the inventory names; they go if `remove_data` says so
    """
    names = " ".join(volumes)
    if volumes and not remove_data:
        host.log(f"keeps {names}: --data remove_data=True removes volumes", logger.warning)
    label = f"""'{{{{index .Spec.Labels "{CONFIG_LABEL}"}}}}'"""
    yield "; ".join(
        [
            f"set -u; {lock.HELD}",
            f"systemctl stop {HOST_UNIT}",
            f"rm -f {' '.join(LINKS)}",
            # Names first, then what is left without one; what somebody has named since is theirs.
            f"for image in $(cat {BROUGHT} 2>/dev/null); do "
            "id=$(podman image inspect --format '{{.Id}}' $image 2>/dev/null) && "
            f"podman untag $id $image && echo $id >>{BROUGHT_IDS}; done",
            "podman images --quiet --no-trunc --filter dangling=true | sed 's/^sha256://' | "
            f"grep -sxF -f {BROUGHT_IDS} | xargs -r podman rmi >/dev/null",
            f"rm -rf {BASE} {RUN} {Path(HELD_IMAGES).parent}",
            f"for secret in $(podman secret ls --format '{{{{.Name}}}}' "
            f"--filter name={SECRET_PREFIX}); do "
            f'[ -z "$(podman secret inspect --format {label} "$secret")" ] || '
            'podman secret rm "$secret" >/dev/null; done',
            *([f"podman volume rm --force {names} >/dev/null"] if volumes and remove_data else []),
            "systemctl daemon-reload",
            f"systemctl reset-failed '{INSTANCE}*' 2>/dev/null",
            f"rmdir --ignore-fail-on-non-empty {QUADLET_HOME} {Path(CONTAINERS_CONF).parent} "
            "/etc/containers/networks 2>/dev/null",
            # Netavark leaves its table, empty, when the last container goes.
            '[ -n "$(podman ps -q)" ] || nft delete table inet netavark 2>/dev/null',
            f"[ ! -e {BASE} ]",
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
            # What is in there is for containers alone, which do not come by this way.
            mode = 0o700 if path == MOUNTED else 0o755
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            archive.addfile(directory)
        for file in plan.files:
            data = file.data
            member = tarfile.TarInfo(file.path)
            member.size, member.mode = len(data), file.mode
            archive.addfile(member, io.BytesIO(data))
        for link in plan.links:
            member = tarfile.TarInfo(link.path)
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, link.target, 0o777
            archive.addfile(member)
    return base64.encodebytes(buffer.getvalue()).decode()


def _show(changes: Changes) -> None:
    """Show what is to change, file by file, as diffs; what is there is read from the host."""
    files = [
        change.path
        for change in changes.files
        if change.before and change.before.digest and not unshown(change.after or "")
    ]
    texts = host.get_fact(ReleaseTexts, paths=files) if files else {}
    live = {path: (texts or {}).get(str(number), "") for number, path in enumerate(files)}
    for change in changes.files:
        verb = "create" if change.before is None else "remove" if change.after is None else "modify"
        host.log(f"Will {verb} {format_text(f'{CURRENT}/{change.path}', bold=True)}", logger.info)
        before = live.get(change.path, "")
        if change.before and change.before.target is not None:
            before = f"link to {change.before.target}\n"
        after = change.after or ""
        if reason := unshown(after) or unshown(before):
            logger.info("  it %s", reason)
            continue
        for line in generate_color_diff(before.splitlines(), after.splitlines()):
            logger.info("  %s", line)
        logger.info("")
