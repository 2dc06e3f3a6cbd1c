"""What macvlan and ipvlan share: containers with addresses of their own on the private network.

Two networks per container. The bridge `onetime-publish` carries the published ports and the
default route, since netavark ignores published ports on macvlan and ipvlan. The network `onetime`
carries the private subnet and its routed neighbours. Replies to the private network would leave the
container there, past the connection tracking that published the port, so the host masquerades such
connections on their way in.
"""

from __future__ import annotations

from typing import Literal

from plan import addresses
from plan.detect import PrivateNetwork
from plan.model import File, ModePlan, PodmanNetworkPlan, ShimPlan, Situation
from plan.modes import bridge
from plan.problems import PlanError, Problem
from plan.render import render_stamped


def plan_lan(situation: Situation, *, driver: Literal["macvlan", "ipvlan"]) -> ModePlan:
    """Plan the two networks, the addresses, the masquerade rule and the shim.

    + driver: with macvlan each container has a MAC of its own; with ipvlan all share the card's

    Raises `PlanError` where the range, the gateway, the database and the instances do not fit.
    """
    settings, private = situation.settings, situation.private
    assert private is not None  # noqa: S101 - the mode needs a private card
    _refuse(situation, private)
    container_range = settings.container_range
    assert container_range is not None  # noqa: S101 - refused above
    shim_address = settings.shim_address or container_range[0]
    pool = addresses.usable(container_range, subnet=private.subnet, shim=shim_address)
    chosen = addresses.allocate(settings.instances, pool, situation.installed)
    if len(chosen) < len(settings.instances):
        raise PlanError(
            [
                Problem(
                    situation.host,
                    "container_range",
                    f"{container_range} has room for {pool.room} of the "
                    f"{len(settings.instances)} instances",
                    "Widen the range or shorten the list; "
                    "the range's first address is the host's own",
                )
            ]
        )
    bridge_file, bridge_network = bridge.plan_bridge(settings)
    private_text, private_config = render_stamped(
        "onetime.network.j2",
        driver=driver,
        private=private,
        container_range=container_range,
    )
    return ModePlan(
        files=(
            bridge_file,
            File("quadlet/onetime.network", private_text),
        ),
        networks=(
            bridge_network,
            PodmanNetworkPlan("onetime", "onetime-network.service", private_config),
        ),
        container_networks=(bridge.NETWORK,),
        instance_networks={
            port: f"onetime.network:ip={address}"
            + (f",mac={addresses.mac(address)}" if driver == "macvlan" else "")
            for port, address in chosen.items()
        },
        addresses=chosen,
        chains=(
            bridge.masquerade(
                settings.publish_subnet, (private.subnet, *(route for route, _ in private.routes))
            ),
        ),
        forward=bridge.FORWARD,
        shim=(
            ShimPlan(
                interface=f"{driver}0",
                kind=driver,
                parent=private.interface,
                address=shim_address,
                mac=addresses.mac(shim_address) if driver == "macvlan" else None,
                container_range=container_range,
            )
            if settings.shim
            else None
        ),
    )


def _refuse(situation: Situation, private: PrivateNetwork) -> None:
    """Raise `PlanError` with all that keeps the settings and the network from fitting."""
    settings = situation.settings
    problems = []

    def add(key: str, seen: str, advice: str) -> None:
        problems.append(Problem(situation.host, key, seen, advice))

    if settings.db_address == "host-gateway":
        add(
            "db_address",
            "host-gateway means a database on the host itself, which containers there do not reach",
            "Use network_mode direct, or give the database's own address",
        )
    database = situation.database
    if database and (
        database.is_loopback or (database in situation.network.addresses and not settings.shim)
    ):
        add(
            "db_address" if settings.db_address else "db_host",
            f"{settings.db_host} is {database}, on the host itself, which containers there "
            "do not reach",
            "Set shim = True and give the host's private address, or use network_mode direct "
            "with db_address host-gateway",
        )
    container_range = settings.container_range
    if container_range is None:
        add(
            "container_range",
            "none was given",
            f"Give this host a part of {private.subnet} that nothing else uses, "
            "such as a /27 outside the DHCP range",
        )
        raise PlanError(problems)
    inside = container_range.subnet_of(private.subnet)
    if not inside:
        add(
            "container_range",
            f"{container_range} is not inside {private.subnet}, the subnet of {private.interface}",
            "Choose a part of that subnet",
        )
    shim_address = settings.shim_address
    edges = (private.subnet.network_address, private.subnet.broadcast_address)
    if shim_address is not None and (shim_address not in private.subnet or shim_address in edges):
        add(
            "shim_address",
            f"{shim_address} is no host's address in {private.subnet}",
            "Leave it out to use the first address of container_range",
        )
    for name, address in (("gateway", private.gateway), ("database", database)):
        if inside and address is not None and address in container_range:
            add(
                "container_range",
                f"{container_range} holds the {name}, {address}",
                "Choose a range that nothing else uses",
            )
        if address is not None and address == shim_address:
            add("shim_address", f"{address} is the {name}", "Choose an address of the host's own")
    if problems:
        raise PlanError(problems)
