"""routed: the host is the router, and speaks for its containers on the private network.

A plain bridge, forwarding, and NAT to the private card. Where the private network has a route to
`publish_subnet` by way of the host, `routed_nat = False` lets the database see the containers' own
addresses: an identity mapping claims such connections before Podman's own rule can masquerade them.
"""

from __future__ import annotations

from plan.model import ModePlan
from plan.modes import bridge
from plan.modes.guard import plan_guard
from plan.network import ways
from plan.problems import Problems
from plan.situation import Situation


def plan(situation: Situation) -> ModePlan:
    """Plan the bridge and, without NAT, the rules that keep the containers' addresses.

    Raises `PlanError` for a database on the host itself.
    """
    settings, private = situation.settings, situation.private
    assert private is not None  # noqa: S101 - the mode needs a private card
    if settings.db_address == "host-gateway":
        raise Problems(situation.host).error(
            "db_address",
            "host-gateway means a database on the host itself, where nothing is routed",
            "Use network_mode direct, or give the database's own address",
        )
    bridge_plan = bridge.plan_bridge(situation)
    chains = bridge.chains(situation, bridge_plan)
    if not settings.routed_nat:
        subnet = settings.publish_subnet
        services = [address for address, _ in situation.endpoints.values()]
        routes = ways.needed(private.routes, private.subnet, services)
        reached = ", ".join(map(str, (private.subnet, *(route for route, _ in routes))))
        identity = (
            f"ip saddr {subnet} ip daddr {{ {reached} }} "
            f"counter snat ip prefix to ip saddr map {{ {subnet} : {subnet} }}"
        )
        chains = bridge.chains(situation, bridge_plan, opened=private.interface, kept=[identity])
    return ModePlan(
        files=(bridge_plan.file,),
        networks=(bridge_plan.network,),
        own_networks={member: (option,) for member, option in bridge_plan.options.items()},
        chains=chains,
        guard=plan_guard(situation),
    )
