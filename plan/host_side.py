"""Whether the host's own side of the network is as planned: what is live, not what files say."""

from __future__ import annotations

from facts.installed import InstalledState
from plan.model import HOST_UNIT, HostPlan


def host_side_differs(plan: HostPlan, installed: InstalledState) -> bool:
    """Tell whether rules, forwarding or shim are not as planned."""
    rules = sum(len(chain.rules) for chain in plan.rules)
    if installed.units.get(HOST_UNIT) != "active":
        return True
    if installed.table.count(plan.rules_config) != rules or bool(installed.table) != bool(rules):
        return True
    if plan.forward and not installed.forwarding:
        return True
    ours = f'comment "onetime {plan.rules_config}"'
    for barrier in installed.barriers:
        if barrier.count(ours) != len(plan.forward) or barrier.count('"onetime ') != len(
            plan.forward
        ):
            return True
    live = installed.shim
    if plan.shim is None or live is None:
        return (plan.shim is None) != (live is None)
    return not (
        live.up
        and live.interface == plan.shim.interface
        and live.kind == plan.shim.kind
        and live.parent == plan.shim.parent
        and plan.shim.mac in {None, live.mac}
        and live.addresses == {f"{plan.shim.address}/32"}
        and live.routes == {f"{plan.shim.container_range} src {plan.shim.address}"}
    )
