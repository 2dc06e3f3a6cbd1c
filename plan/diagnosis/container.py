"""The first hops of every path: the container, and what has to be there for it to run."""

from __future__ import annotations

from names import CHANGE_MIB, IMAGE_STORE
from plan.compare.changes import loaded
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Walk
from plan.model import InstancePlan

# A unit with Restart=always never reads failed: so many starts of its own, and it goes in circles.
_CIRCLES = 3
_LEAST_FILES = 1000
# After so many seconds without a handshake WireGuard itself forgets the session.
_EXPIRY = 180


def container_hops(scene: Scene, instance: InstancePlan, walk: Walk) -> None:
    """Add the hops up to an app that is healthy; what is missing for a start comes first."""
    name, service = next(iter(instance.containers.items()))
    state = scene.running.units.get(service)
    active = state is not None and state.state == "active"
    if not active:
        _ground(scene, walk)
    _unit(scene, service, walk)
    live = scene.running.containers.get(name)
    health = live.health if live else ""
    walk.hop(
        "health",
        expected="healthy",
        observed=health or ("no container" if live is None else "nothing said yet"),
        whole=health == "healthy" if health else None if live else False,
        command=f"podman healthcheck run {name}",
        cause="unhealthy" if live else "container-missing",
        mend=f"journalctl -t {name} -n 50" if live else f"systemctl restart {service}",
    )
    port = scene.plan.settings.container_port if scene.plan.settings.mode.bridge else instance.port
    network = [*instance.containers][-1]
    ports = scene.way.listening.get(name, scene.way.listening.get(network, frozenset()))
    walk.hop(
        "app",
        expected=f"listens on port {port}",
        observed=f"listens on {', '.join(map(str, sorted(ports))) or 'none'}",
        whole=port in ports,
        command=inside(name, "ss -ltn"),
        cause="not-listening",
        mend="correct container_port, or what the app is told to listen on",
    )
    if instance.sidecar:
        _tunnel(scene, network, walk)


def inside(container: str, command: str) -> str:
    """Return what runs a command of the host's in the network of a container."""
    process = f"$(podman inspect --format '{{{{.State.Pid}}}}' {container})"
    return f"nsenter --net --target {process} {command}"


def _ground(scene: Scene, walk: Walk) -> None:
    installed, settings = scene.observed.installed, scene.plan.settings
    kernel = installed.kernel
    space, inodes = kernel.space.get(IMAGE_STORE), kernel.inodes.get(IMAGE_STORE)
    walk.hop(
        "disk",
        expected=f"{CHANGE_MIB} MiB free for {IMAGE_STORE}",
        observed="unknown" if space is None else f"{space >> 20} MiB free",
        whole=None if space is None else space >> 20 >= CHANGE_MIB,
        command=f"df {IMAGE_STORE}",
        cause="disk-full",
        mend="make room: podman image prune, journalctl --vacuum-size=200M",
    )
    walk.hop(
        "inodes",
        expected=f"{_LEAST_FILES} files can be made below {IMAGE_STORE}",
        observed="unknown" if inodes is None else f"{inodes} can",
        whole=None if inodes is None else inodes >= _LEAST_FILES,
        command=f"df --inodes {IMAGE_STORE}",
        cause="inodes-full",
        mend="remove files on that disk",
    )
    present = settings.image in installed.podman.images
    walk.hop(
        "image",
        expected=f"{settings.image} is on the host",
        observed="it is" if present else "it is not",
        whole=present,
        command=f"podman image exists {settings.image}",
        cause="image-gone",
        mend="deploy.py -y brings it again",
    )
    unread = not loaded(installed)
    walk.hop(
        "units",
        expected="systemd has read the units of the current release",
        observed="it has not" if unread else "it has",
        whole=not unread,
        command="systemctl cat 'onetime@*'",
        cause="units-not-loaded",
        mend="deploy.py -y, or systemctl daemon-reload",
    )


def _unit(scene: Scene, service: str, walk: Walk) -> None:
    state = scene.running.units.get(service)
    log = f"journalctl -u {service} -n 50"
    if state is None or state.state == "inactive":
        cause, mend = "unit-stopped", f"systemctl start {service}"
    elif state.state == "failed":
        cause, mend = "unit-failed", log
    elif state.restarts >= _CIRCLES:
        cause, mend = "crash-loop", log
    else:
        cause, mend = "unit-starting", log
    walk.hop(
        "unit",
        expected=f"{service} is active",
        observed="not active" if state is None else _told(state.state, state.restarts),
        whole=state is not None and state.state == "active",
        command=f"systemctl status {service}",
        cause=cause,
        mend=mend,
    )


def _told(state: str, restarts: int) -> str:
    return f"{state}, started anew {restarts} times" if restarts else state


def _tunnel(scene: Scene, sidecar: str, walk: Walk) -> None:
    seconds = scene.way.handshakes.get(sidecar)
    tunnel = scene.plan.settings.tunnel
    expiry = _EXPIRY + max((peer.keepalive for peer in tunnel.peers), default=0) if tunnel else 0
    walk.hop(
        "tunnel",
        expected=f"a handshake within {expiry} seconds",
        observed="none yet" if seconds is None else f"one {seconds} seconds ago",
        whole=seconds is not None and seconds <= expiry,
        command=f"podman exec {sidecar} wg show",
        cause="tunnel-silent",
        mend="compare keys and endpoint of wireguard with the peer's, and its firewall for UDP",
    )
