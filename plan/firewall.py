"""What Podman has put into the host's firewall, and whether a reload of that has left it there."""

from __future__ import annotations

from collections.abc import Iterable

from facts.installed import InstalledState
from plan.model import FIREWALL_UNIT, HostPlan, InstancePlan


def republished(
    plan: HostPlan, installed: InstalledState, running: Iterable[InstancePlan]
) -> tuple[str, ...]:
    """Return the containers of running instances whose rules for published ports are gone."""
    subnet = str(plan.settings.publish_subnet)
    refused = installed.trusted is not None and subnet not in installed.trusted
    return tuple(
        name
        for instance in running
        for name in instance.containers
        if (ports := set(installed.containers[name].ports))
        and (refused or not ports <= installed.published)
    )


def watched(installed: InstalledState) -> bool:
    """Tell whether the unit runs that restores them; when it ends, systemd starts it again."""
    return installed.units.get(FIREWALL_UNIT, "inactive") not in {"inactive", "failed"}
