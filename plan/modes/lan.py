"""What macvlan and ipvlan share: containers with addresses of their own on the private network.

Two networks per container. The bridge `onetime-publish` carries the published ports and the
default route, since netavark ignores published ports on macvlan and ipvlan. The network `onetime`
carries the private subnet and its routed neighbours. Replies to neighbours who came by a published
port would leave the container there, past the connection tracking that translated it: what has the
bridge's address goes back over the bridge (`host/guard.sh`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from names import PRIVATE_NETWORK
from plan.model import File, ModePlan, PodmanNetworkPlan, ShimPlan
from plan.modes import bridge
from plan.modes.guard import plan_guard
from plan.network import addresses, ways
from plan.network.detect import PrivateNetwork
from plan.problems import Problems
from plan.release.address_drop_ins import network_option
from plan.release.render import render_stamped
from plan.situation import Situation


def plan_lan(situation: Situation) -> ModePlan:
    """Plan the two networks, the addresses, the rules and the shim.

    Raises `PlanError` where the range, the gateway, the database and the instances do not fit.
    """
    settings, private, link = situation.settings, situation.private, situation.settings.mode.link
    assert private is not None  # noqa: S101 - the mode needs a private card
    assert link is not None  # noqa: S101 - or it would not come here
    _refuse(situation, private)
    container_range, shim_address = settings.own_range, settings.own_shim
    assert container_range is not None  # noqa: S101 - refused above
    allocation = addresses.allocation(settings, private.subnet, situation.installed)
    chosen = dict(allocation.addresses)
    if len(chosen) < len(settings.members):
        raise Problems(situation.host).error(
            "container_range",
            f"{container_range} has room for {allocation.room} of the "
            f"{len(settings.members)} {'containers' if settings.jobs else 'instances'}",
            "Widen the range or shorten the list; the range's first address is the host's own",
        )
    bridge_plan = bridge.plan_bridge(situation)
    services = [address for address, _ in situation.endpoints.values()]
    routes = ways.needed(private.routes, private.subnet, services)
    private_text, private_config = render_stamped(
        f"{PRIVATE_NETWORK}.network.j2",
        link=link,
        private=private,
        container_range=container_range,
        gateway=settings.network_gateway
        or ways.lasting_gateway(private.subnet, container_range, private.gateway),
        routes=routes,
        services=", ".join([settings.db_host, *settings.services]),
    )
    return ModePlan(
        files=(
            bridge_plan.file,
            File(f"quadlet/{PRIVATE_NETWORK}.network", private_text),
        ),
        networks=(
            bridge_plan.network,
            PodmanNetworkPlan(PRIVATE_NETWORK, private_config),
        ),
        own_networks={
            member: (
                # The first one has the default route.
                bridge_plan.options[member],
                network_option(
                    PRIVATE_NETWORK, address, addresses.mac(address) if link.own_mac else None
                ),
            )
            for member, address in chosen.items()
            # A bridge without room for all is refused elsewhere.
            if member in bridge_plan.options
        },
        addresses=chosen,
        chains=bridge.chains(situation, bridge_plan),
        guard=plan_guard(
            situation,
            clients=(
                *settings.lan_clients,
                *([IPv4Network(shim_address)] if shim_address else []),
            ),
            neighbours=(container_range,),
            reached=[f"ip daddr {shim_address}"] if shim_address else [],
        ),
        shim=(
            ShimPlan(
                link=link,
                parent=private.interface,
                address=shim_address,
                mac=addresses.mac(shim_address) if link.own_mac else None,
                container_range=container_range,
            )
            if shim_address
            else None
        ),
    )


def _refuse(situation: Situation, private: PrivateNetwork) -> None:
    """Raise `PlanError` with all that keeps the settings and the network from fitting."""
    problems = Problems(situation.host)
    _refuse_database(situation, problems)
    _refuse_services(situation, problems)
    container_range = situation.settings.container_range
    if container_range is None:
        raise problems.error(
            "container_range",
            "none was given",
            f"Give this host a part of {private.subnet} that nothing else uses, "
            "such as a /27 outside the DHCP range",
        )
    if not container_range.subnet_of(private.subnet):
        problems.add(
            "container_range",
            f"{container_range} is not inside {private.subnet}, the subnet of {private.interface}",
            "Choose a part of that subnet",
        )
    _refuse_shim(situation.settings.shim_address, private, problems)
    _refuse_taken(situation, private, problems)
    problems.stop()


def _refuse_database(situation: Situation, problems: Problems) -> None:
    """Collect a database on the host itself, where containers do not reach it."""
    settings, database = situation.settings, situation.database
    if settings.db_address == "host-gateway":
        problems.add(
            "db_address",
            "host-gateway means a database on the host itself, which containers there do not reach",
            "Use network_mode direct, or give the database's own address",
        )
    if database and (
        database.is_loopback or (database in situation.network.addresses and not settings.shim)
    ):
        problems.add(
            "db_address" if settings.db_address else "db_host",
            f"{settings.db_host} is {database}, on the host itself, which containers there "
            "do not reach",
            "Set shim = True and give the host's private address, or use network_mode direct "
            "with db_address host-gateway",
        )


def _refuse_services(situation: Situation, problems: Problems) -> None:
    """Collect services on the host itself, where containers do not reach them without a shim."""
    own = situation.network.addresses if not situation.settings.shim else ()
    for name, service in situation.settings.services.items():
        if service.address in own:
            problems.add(
                "services",
                f"{name} is at {service.address}, on the host itself, which containers there do "
                "not reach",
                "Set shim = True, or use network_mode routed or direct",
            )


def _refuse_shim(
    shim_address: IPv4Address | None, private: PrivateNetwork, problems: Problems
) -> None:
    edges = (private.subnet.network_address, private.subnet.broadcast_address)
    if shim_address is not None and (shim_address not in private.subnet or shim_address in edges):
        problems.add(
            "shim_address",
            f"{shim_address} is no host's address in {private.subnet}",
            "Leave it out to use the first address of container_range",
        )


def _refuse_taken(situation: Situation, private: PrivateNetwork, problems: Problems) -> None:
    """Collect where range and shim take the addresses of the router, database or services."""
    container_range = situation.settings.container_range
    assert container_range is not None  # noqa: S101 - refused before
    inside = container_range.subnet_of(private.subnet)
    places = [("gateway", private.gateway)]
    places += [(name, address) for name, (address, _) in situation.endpoints.items()]
    for name, address in places:
        if inside and address in container_range:
            problems.add(
                "container_range",
                f"{container_range} holds the {name}, {address}",
                "Choose a range that nothing else uses",
            )
        if address == situation.settings.shim_address:
            problems.add(
                "shim_address", f"{address} is the {name}", "Choose an address of the host's own"
            )
