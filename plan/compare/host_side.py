"""Whether the host's own side of the network is as planned: what is live, not what files say."""

from __future__ import annotations

from collections.abc import Mapping

from facts.installed import InstalledState
from facts.shim import Shim
from names import HOST_UNIT, RULES_TABLE
from plan.model import HostPlan, ShimPlan


def host_side_differs(plan: HostPlan, installed: InstalledState) -> bool:
    """Tell whether rules, forwarding or shim are not as planned."""
    if installed.systemd.units.get(HOST_UNIT) != "active":
        return True
    if installed.firewall.rules != _rules(plan, installed.firewall.barriers):
        return True
    if "forward" in plan.mode.hooks and not installed.kernel.forwarding:
        return True
    return _shim_differs(plan.mode.shim, installed.shim)


def _rules(plan: HostPlan, barriers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the digests that rules of the deploy's are to carry, by chain."""
    digest, mode = plan.rules_config, plan.mode
    own = {f"ip {RULES_TABLE} {chain.name}": (digest,) * len(chain.rules) for chain in mode.chains}
    foreign = {chain: (digest,) for chain, hook in barriers.items() if hook in mode.hooks}
    return own | foreign


def _shim_differs(planned: ShimPlan | None, live: Shim | None) -> bool:
    if planned is None or live is None:
        return (planned is None) != (live is None)
    return not (
        live.up
        and live.interface == planned.link.interface
        and live.kind == planned.link.kind
        and live.parent == planned.parent
        and planned.mac in {None, live.mac}
        and live.addresses == {f"{planned.address}/32"}
        and live.routes == {f"{planned.container_range} src {planned.address}"}
    )
