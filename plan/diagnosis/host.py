"""The host itself: a change under way, what starts at boot, who watches its rules."""

from __future__ import annotations

from names import FIREWALL_UNIT, LINKS, SWITCH_UNIT
from plan.compare.firewall import watched
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Trail, Walk


def host_trail(scene: Scene) -> Trail:
    """Return what every path of the host stands on."""
    walk = Walk()
    change, installed = scene.running.change, scene.observed.installed
    walk.hop(
        "change",
        expected="none is under way",
        observed=f"from release {change[0]} to {change[1]}" if change else "none is",
        whole=change is None,
        command=f"journalctl -u {SWITCH_UNIT}",
        cause="change-unfinished",
        mend=f"systemctl start {SWITCH_UNIT} goes on with it",
    )
    gone = [link for link, target in LINKS.items() if installed.systemd.links.get(link) != target]
    walk.hop(
        "links",
        expected="what starts the release at boot",
        observed=f"{', '.join(gone)} lead elsewhere, or are gone" if gone else "there",
        whole=not gone,
        command=f"ls -l {' '.join(gone or LINKS)}",
        cause="boot-link-missing",
        mend="deploy.py -y makes them anew",
    )
    walk.hop(
        "watcher",
        expected=f"{FIREWALL_UNIT} runs, which restores rules that a reload takes",
        observed="it does" if watched(installed) else "it does not",
        whole=watched(installed),
        command=f"systemctl status {FIREWALL_UNIT}",
        cause="watcher-stopped",
        mend=f"systemctl start {FIREWALL_UNIT}",
    )
    return Trail(scene.plan.host, "", "host", tuple(walk.hops))
