"""The bridge `onetime-publish`: published ports and the way out, in every mode but `host`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from names import PUBLISH_INTERFACE, PUBLISH_NETWORK
from plan.inventory.values import Member
from plan.model import Chain, File, PodmanNetworkPlan
from plan.modes import rules
from plan.network import addresses
from plan.network.cards import is_card
from plan.release.address_drop_ins import network_option
from plan.release.render import render_stamped
from plan.situation import Situation


@dataclass(frozen=True)
class Bridge:
    """The bridge's Quadlet file, its network, and where each container is on it."""

    file: File
    network: PodmanNetworkPlan
    places: Mapping[Member, IPv4Address]

    @property
    def options(self) -> dict[Member, str]:
        """The `Network=` value of each container."""
        return {
            # With another MAC at each start the host would ask for a while where nobody is.
            member: network_option(PUBLISH_NETWORK, address, addresses.mac(address))
            for member, address in self.places.items()
        }

    @property
    def published(self) -> dict[int, IPv4Address]:
        """Where each port is published to."""
        return {port: place for port, place in self.places.items() if isinstance(port, int)}


def plan_bridge(situation: Situation) -> Bridge:
    """Return the bridge of a host."""
    settings = situation.settings
    text, config = render_stamped(
        f"{PUBLISH_NETWORK}.network.j2",
        publish_subnet=settings.publish_subnet,
    )
    return Bridge(
        File(f"quadlet/{PUBLISH_NETWORK}.network", text),
        PodmanNetworkPlan(PUBLISH_NETWORK, config),
        addresses.bridge_allocation(settings, situation.bridged),
    )


def chains(
    situation: Situation, bridge: Bridge, *, opened: str | None = None, kept: Sequence[str] = ()
) -> tuple[Chain, ...]:
    """Return the chains of every mode with a bridge: what is let through, and what is not.

    + opened: the card from which the network behind it reaches the containers' own addresses
    + kept: rules for packets of containers that are not to leave as the host's
    """
    settings, network = situation.settings, situation.network
    forwarded = [
        f'iifname "{PUBLISH_INTERFACE}"',
        f'oifname "{PUBLISH_INTERFACE}" ct state established,related',
        f'oifname "{PUBLISH_INTERFACE}" ct status dnat',
    ]
    if opened:
        forwarded.append(f'iifname "{opened}" oifname "{PUBLISH_INTERFACE}"')
    cards = sorted(filter(is_card, network.interfaces))
    return (
        *rules.translate(settings, bridge.published),
        rules.leave(settings, kept),
        rules.accept_forward(forwarded),
        rules.accept_input(_needed(situation)),
        rules.refuse_containers(),
        rules.guard(situation, opened),
        *([rules.keep_apart(cards)] if len(cards) > 1 and not situation.router else []),
    )


def _needed(situation: Situation) -> list[str]:
    """Return the matches of what containers need of the host itself: names, and its services."""
    settings = situation.settings
    bridge = f'iifname "{PUBLISH_INTERFACE}"'
    needed = [f"{bridge} ip daddr {settings.publish_gateway} th dport 53"]
    if settings.db_address == "host-gateway":
        needed.append(f"{bridge} tcp dport {settings.db_port}")
    own = situation.network.addresses
    needed += [
        f"{bridge} ip daddr {address} tcp dport {port}"
        for address, port in situation.endpoints.values()
        if address in own
    ]
    return needed
