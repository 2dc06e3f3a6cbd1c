"""routed: the host is the router, and speaks for its containers on the private network.

A plain bridge, forwarding, and NAT to the private card. Where the private network has a route to
`publish_subnet` by way of the host, `routed_nat = False` lets the database see the containers' own
addresses: an identity mapping claims such connections before Podman's own rule can masquerade them.
"""

from __future__ import annotations

from plan.model import PUBLISH_INTERFACE, Chain, ModePlan, Situation
from plan.modes import bridge
from plan.problems import PlanError, Problem


def plan(situation: Situation) -> ModePlan:
    """Plan the bridge and, without NAT, the rules that keep the containers' addresses.

    Raises `PlanError` for a database on the host itself.
    """
    settings, private = situation.settings, situation.private
    assert private is not None  # noqa: S101 - the mode needs a private card
    if settings.db_address == "host-gateway":
        raise PlanError(
            [
                Problem(
                    situation.host,
                    "db_address",
                    "host-gateway means a database on the host itself, where nothing is routed",
                    "Use network_mode direct, or give the database's own address",
                )
            ]
        )
    file, network = bridge.plan_bridge(settings)
    chains: tuple[Chain, ...] = ()
    forward: tuple[str, ...] = bridge.FORWARD
    if not settings.routed_nat:
        subnet = settings.publish_subnet
        reached = ", ".join(map(str, (private.subnet, *(route for route, _ in private.routes))))
        chains = (
            Chain(
                name="postrouting",
                hook="nat hook postrouting priority srcnat - 1",
                rules=(
                    f"ip saddr {subnet} ip daddr {{ {reached} }} "
                    f"snat ip prefix to ip saddr map {{ {subnet} : {subnet} }}",
                ),
            ),
        )
        forward = (
            *bridge.FORWARD,
            f'iifname "{private.interface}" oifname "{PUBLISH_INTERFACE}" accept',
        )
    return ModePlan(
        files=(file,),
        networks=(network,),
        container_networks=(bridge.NETWORK,),
        chains=chains,
        forward=forward,
    )
