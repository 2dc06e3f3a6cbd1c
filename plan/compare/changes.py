"""What differs between a host's plan and what is observed on it.

Every comparison is with what can be seen now, never with what an earlier run meant to do, so a run
that was killed anywhere is completed by the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from facts.installed import InstalledState
from names import (
    BASE,
    CURRENT,
    GUARD_FILES,
    HOST_NETWORK_FILES,
    INSTANCE,
    JOB,
    LINKS,
    SIDECAR,
)
from plan.compare.files import FileChange, file_changes
from plan.compare.firewall import unguarded, watched
from plan.compare.host_side import host_side_differs
from plan.compare.releases import current_release
from plan.model import HostPlan, InstancePlan, JobPlan, MemberPlan, Secret

How = Literal["load", "pull"] | None
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Changes:
    """The smallest set of changes that makes the host what the plan says.

    + image, sidecar_image: how each image gets there, if it is not there
    + secrets: those to make
    + release: the number of the release to make, if one is to be made
    + current: the number of the release that is live now; none at first
    + reload: systemd's units are not those of the current release, or the firewall's not started
    + stop: ports of instances that left the inventory and still run
    + stop_jobs: names of jobs that left the inventory and still run
    + sidecars: ports whose sidecars still run and have no place any more
    + networks: Podman networks to be made anew or removed, with all instances stopped
    + host_network: the host's rules or shim are not as planned
    + guard: containers that run on and are to be guarded anew
    + restart: ports of instances that do not run, or not from this configuration
    + jobs: names of jobs of which that is true
    + moved: the IDs that the image's name stood for when the current release was made, and now
    + moved_tag: the digests that the image's tag stands for on the host and at its registry
    """

    image: How
    sidecar_image: How
    secrets: tuple[Secret, ...]
    files: tuple[FileChange, ...]
    release: int | None
    current: int | None
    reload: bool
    stop: tuple[int, ...]
    stop_jobs: tuple[str, ...]
    sidecars: tuple[int, ...]
    networks: tuple[str, ...]
    host_network: bool
    guard: tuple[str, ...]
    restart: tuple[int, ...]
    jobs: tuple[str, ...] = ()
    moved: tuple[str, str] | None = None
    moved_tag: tuple[str, str] | None = None

    @property
    def switch(self) -> tuple[int, int] | None:
        """The releases that the host is to change between, the same one twice to repair it."""
        to = self.release or self.current
        parts = (
            self.reload,
            self.stop,
            self.stop_jobs,
            self.sidecars,
            self.networks,
            self.host_network,
            self.guard,
            self.restart,
            self.jobs,
        )
        return (self.current or 0, to) if to is not None and any(parts) else None

    @property
    def any(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self.image or self.sidecar_image or self.secrets or self.switch)


def compare(plan: HostPlan, installed: InstalledState) -> Changes:
    """Return what is to be changed; everything is empty on a host that is as it should be."""
    tunnel = plan.settings.tunnel
    files = file_changes(plan, installed)
    moved = None if plan.moved_tag else _moved(plan, installed)
    release = _next_release(files, installed, anew=bool(moved or plan.moved_tag))
    networks = _networks(plan, installed)
    image = installed.podman.images.get(plan.settings.image)
    instances = {str(instance.port) for instance in plan.instances}
    sidecars = {str(instance.port) for instance in plan.instances if instance.sidecar}
    anew = bool(networks or plan.moved_tag)
    stale = [member for member in plan.members if anew or not _runs(member, image, installed)]
    running = [member for member in plan.members if member not in stale]
    return Changes(
        # What the tag stands for comes before anything restarts, and then counts as a move.
        image="pull"
        if plan.moved_tag
        else _how(plan.settings.image, plan.settings.image_archive, installed),
        sidecar_image=_how(tunnel.image, tunnel.image_archive, installed) if tunnel else None,
        secrets=_secrets(plan, installed),
        files=files,
        release=release,
        current=current_release(installed),
        reload=release is not None or not loaded(installed) or not watched(installed),
        stop=tuple(map(int, _leftover(INSTANCE, r"\d+", instances, installed))),
        stop_jobs=_leftover(JOB, r"[a-z0-9-]+", {job.name for job in plan.jobs}, installed),
        sidecars=tuple(map(int, _leftover(SIDECAR, r"\d+", sidecars, installed))),
        networks=networks,
        host_network=any(change.path in HOST_NETWORK_FILES for change in files)
        or host_side_differs(plan, installed),
        guard=unguarded(
            plan, installed, running, anew=any(change.path in GUARD_FILES for change in files)
        ),
        restart=tuple(it.port for it in stale if isinstance(it, InstancePlan)),
        jobs=tuple(it.name for it in stale if isinstance(it, JobPlan)),
        moved=moved,
        moved_tag=plan.moved_tag,
    )


def _moved(plan: HostPlan, installed: InstalledState) -> tuple[str, str] | None:
    """Return what the image's name stood for and stands for, where that is known and has changed.

    A change of the name itself is a change of the release's files, and needs no other reason.
    """
    about = installed.release.kept.get(current_release(installed) or 0)
    image = installed.podman.images.get(plan.settings.image)
    live = installed.release.images
    if about is None or image is None or not _IMAGE_ID.fullmatch(about.image):
        return None
    same_name = plan.settings.image in live
    return (about.image, image) if same_name and about.image != image else None


def _how(image: str, archive: str | None, installed: InstalledState) -> How:
    if image in installed.podman.images:
        return None
    return "load" if archive else "pull"


def _secrets(plan: HostPlan, installed: InstalledState) -> tuple[Secret, ...]:
    live = installed.podman.secrets
    return tuple(secret for secret in plan.secrets if secret.name not in live)


def _next_release(
    files: tuple[FileChange, ...], installed: InstalledState, *, anew: bool
) -> int | None:
    """Return the number of the release to make, none where the current one will do."""
    links = installed.systemd.links
    if not anew and not files and all(links.get(link) == target for link, target in LINKS.items()):
        return None
    return max(installed.release.kept, default=0) + 1


def loaded(installed: InstalledState) -> bool:
    """Tell whether all of systemd's generated units came from the current release."""
    directory = f"{BASE}/{installed.systemd.links.get(CURRENT, '')}/"
    paths = installed.systemd.loaded
    return bool(paths) and all(path.startswith(directory) for path in paths)


def _leftover(
    kind: str, members: str, planned: set[str], installed: InstalledState
) -> tuple[str, ...]:
    """Return the members of the deploy's own containers that run, or try to, and should not.

    + kind: what the containers are called, but for the member
    + members: the pattern of those
    """
    units = installed.systemd.units
    names = [unit for unit, state in units.items() if state not in {"inactive", "failed"}]
    containers = installed.podman.containers.values()
    names += [container.name for container in containers if container.config is not None]
    pattern = re.compile(rf"{kind}(?:@({members})\.service|-({members}))")
    live = {match[1] or match[2] for name in names if (match := pattern.fullmatch(name))}
    return tuple(sorted(live - planned, key=lambda member: (len(member), member)))


def _networks(plan: HostPlan, installed: InstalledState) -> tuple[str, ...]:
    planned = {network.name: network.config for network in plan.mode.networks}
    live = {
        name: network.config
        for name, network in installed.podman.networks.items()
        if network.config is not None
    }
    return tuple(sorted(name for name in planned | live if planned.get(name) != live.get(name)))


def _runs(member: MemberPlan, image: str | None, installed: InstalledState) -> bool:
    """Tell whether an instance or job runs, with its sidecar, and from this configuration.

    + image: the ID of what it is to run, if that is known
    """
    app = installed.podman.containers.get(next(iter(member.containers)))
    if app and app.image and image and app.image != image:
        return False
    return all(
        (live := installed.podman.containers.get(name)) is not None
        and live.running
        and live.config == member.config
        and installed.systemd.units.get(unit) == "active"
        for name, unit in member.containers.items()
    )
