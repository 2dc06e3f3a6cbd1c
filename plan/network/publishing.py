"""Which of a host's addresses its ports are published on, and which the internet reaches."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from plan.inventory.settings import Settings
from plan.network.cards import is_private
from plan.network.detect import PrivateNetwork
from plan.problems import Problem

_LOOPBACK = IPv4Address("127.0.0.1")
# Behind a provider's translation, and of overlay networks; RFC 6598.
_SHARED = IPv4Network("100.64.0.0/10")


def resolve(
    host: str, settings: Settings, network: HostNetwork, private: PrivateNetwork | None
) -> tuple[Settings, list[Problem]]:
    """Return the settings with the address that `publish_address` stands for, where it is a word.

    Where it stands for none it stays the word, and the problem says why.
    """
    word, public = settings.publish_address, _public(settings, network)
    address: IPv4Address | None = None
    if word == "loopback":
        address = _LOOPBACK
    elif word == "private" and private is not None:
        address = private.address
    elif word == "public" and len(public) == 1:
        address = public[0]
    if address is not None:
        return settings.model_copy(update={"publish_address": address}), []
    if not isinstance(word, str):
        return settings, []
    listing = f"has the public addresses {', '.join(map(str, public))}" if public else "has none"
    observation = f"{word} was given, and the host {listing if word == 'public' else 'has none'}"
    advice = "Name the address to publish on"
    return settings, [Problem(host, "publish_address", observation, advice)]


def public_places(settings: Settings, network: HostNetwork) -> tuple[str, ...]:
    """Return the places, ADDRESS:PORT, by which the internet may reach an instance."""
    public = _public(settings, network)
    addresses = [place for place in public if settings.published in {None, place}]
    return tuple(f"{address}:{port}" for address in addresses for port in settings.instances)


def _public(settings: Settings, network: HostNetwork) -> list[IPv4Address]:
    return [
        address
        for address in network.addresses
        if not (
            is_private(address)
            or address.is_loopback
            or address.is_link_local
            or address in _SHARED
            or address in settings.publish_subnet
        )
    ]
