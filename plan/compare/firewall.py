"""Whether containers that run are guarded, and trusted by the host's firewall."""

from __future__ import annotations

from collections.abc import Iterable

from facts.installed import InstalledState
from names import FIREWALL_UNIT
from plan.model import HostPlan, InstancePlan, MemberPlan


def unguarded(
    plan: HostPlan, installed: InstalledState, running: Iterable[MemberPlan], *, anew: bool
) -> tuple[str, ...]:
    """Return the containers of running instances whose guard, or firewalld's trust, is missing.

    + anew: what guards them is to be another than until now
    """
    if plan.mode.guard is None:
        return ()
    subnet = str(plan.settings.publish_subnet)
    refused = installed.firewall.trusted is not None and subnet not in installed.firewall.trusted
    # The last one has the network: the sidecar, if there is one. A job may be in another's.
    names = [
        [*member.containers][-1]
        for member in running
        if isinstance(member, InstancePlan) or not plan.mode.job_networks
    ]
    return tuple(name for name in names if refused or anew or name in installed.podman.unguarded)


def watched(installed: InstalledState) -> bool:
    """Tell whether the unit runs that restores them; when it ends, systemd starts it again."""
    return installed.systemd.units.get(FIREWALL_UNIT, "inactive") not in {"inactive", "failed"}
