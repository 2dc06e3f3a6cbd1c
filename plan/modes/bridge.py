"""The bridge `onetime-publish`: published ports and the way out, in every mode but `host`."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from plan.model import PUBLISH_INTERFACE, PUBLISH_NETWORK, Chain, File, PodmanNetworkPlan
from plan.render import render_stamped
from plan.settings import Settings

NETWORK = "onetime-publish.network"

# What a host firewall that drops what it forwards must let through: connections that containers
# open, the replies to them, and connections to published ports. Netavark accepts these in a table
# of its own, which cannot overrule another table's drop.
FORWARD = (
    f'iifname "{PUBLISH_INTERFACE}" accept',
    f'oifname "{PUBLISH_INTERFACE}" ct state established,related accept',
    f'oifname "{PUBLISH_INTERFACE}" ct status dnat accept',
)


def plan_bridge(settings: Settings) -> tuple[File, PodmanNetworkPlan]:
    """Return the bridge's Quadlet file and its network."""
    text, config = render_stamped(
        "onetime-publish.network.j2",
        publish_subnet=settings.publish_subnet,
        bridge=PUBLISH_INTERFACE,
    )
    network = PodmanNetworkPlan(PUBLISH_NETWORK, f"{PUBLISH_NETWORK}-network.service", config)
    return File(f"quadlet/{NETWORK}", text), network


def masquerade(publish_subnet: IPv4Network, sources: Iterable[IPv4Network]) -> Chain:
    """Return the chain that lets these networks reach published ports.

    The containers have a way of their own to them, past the connection tracking that published the
    port. Masqueraded on its way in, a connection is answered the way it came.
    """
    listed = ", ".join(map(str, sources))
    return Chain(
        name="postrouting",
        hook="nat hook postrouting priority srcnat - 1",
        rules=(f"ct status dnat ip saddr {{ {listed} }} ip daddr {publish_subnet} masquerade",),
    )
