"""direct: ports are published by the bridge, and the database is at an address that is given.

The host needs no private card of its own. Containers leave by the bridge and appear as the host;
`host-gateway` is the host itself, for a database that runs there.
"""

from __future__ import annotations

from plan.model import ModePlan
from plan.modes import bridge
from plan.modes.guard import plan_guard
from plan.problems import Problems
from plan.situation import Situation


def plan(situation: Situation) -> ModePlan:
    """Plan the bridge; raise `PlanError` where `host-gateway` cannot be the database."""
    if situation.settings.db_address == "host-gateway":
        _refuse_gateway(situation)
    bridge_plan = bridge.plan_bridge(situation)
    return ModePlan(
        files=(bridge_plan.file,),
        networks=(bridge_plan.network,),
        own_networks={member: (option,) for member, option in bridge_plan.options.items()},
        chains=bridge.chains(situation, bridge_plan),
        guard=plan_guard(situation),
    )


def _refuse_gateway(situation: Situation) -> None:
    network, settings = situation.network, situation.settings
    if network.resolved is not None and not (
        network.resolved in network.addresses or network.resolved.is_loopback
    ):
        observation = (
            f"host-gateway is this host, but {settings.db_host} is {network.resolved}, another one"
        )
        advice = "Leave db_address out, or give the database's own address"
    elif not any(
        listener.port == settings.db_port and not listener.address.is_loopback
        for listener in network.listeners
    ):
        observation = (
            f"host-gateway is this host, and nothing on it listens on port {settings.db_port} "
            "beyond loopback"
        )
        advice = "Let the database listen on all addresses, or give its address"
    else:
        return
    raise Problems(situation.host).error("db_address", observation, advice)
