"""The nft chains that modes have in common: what the host lets through, and what it does not.

A verdict in a table of one's own cannot overrule the drop of another table. So packets are marked
here, and a rule in each chain that would drop them lets marked ones through: `host/network.sh`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address

from names import CLIENT_INTERFACE, PUBLISH_INTERFACE, RULE_MARK
from plan.inventory.settings import Settings
from plan.model import Chain
from plan.network.cards import connected_routes, find_cards
from plan.situation import Situation


def accept_forward(matches: Iterable[str]) -> Chain:
    """Return the chain that has forwarded packets let through."""
    return _accept("forward", matches)


def accept_input(matches: Iterable[str]) -> Chain:
    """Return the chain that has packets to the host itself let through."""
    return _accept("input", matches)


def _accept(hook: str, matches: Iterable[str]) -> Chain:
    # Before the chains of others, whatever their priority within the filter hooks.
    return Chain(
        name=hook,
        hook=f"filter hook {hook} priority mangle - 10",
        rules=tuple(f"{match} counter meta mark set meta mark | {RULE_MARK}" for match in matches),
        opens=hook,
    )


def refuse_containers() -> Chain:
    """Return the chain that refuses containers whatever of the host they do not need."""
    rule = f'iifname "{PUBLISH_INTERFACE}" ct state new meta mark & {RULE_MARK} == 0 counter reject'
    return Chain("own", "filter hook input priority filter - 10", (rule,))


def ports(settings: Settings) -> str:
    """Return the match of packets to the instances' ports."""
    return f"tcp dport {{ {', '.join(map(str, settings.instances))} }}"


def translate(settings: Settings, published: Mapping[int, IPv4Address]) -> tuple[Chain, Chain]:
    """Return the chains that lead what comes to the ports to the containers, by port.

    Nothing listens on the host, so no local user can take a port from its instance.
    """
    address = settings.published
    destination = f"ip daddr {address}" if address else "fib daddr type local"
    rules = tuple(
        f"{destination} tcp dport {port} counter dnat to {container}:{settings.container_port}"
        for port, container in published.items()
    )
    # Before Podman and whoever else translates; by number: old nft has no name for it on output.
    return (
        Chain("published", "nat hook prerouting priority dstnat - 10", rules),
        Chain("published_own", "nat hook output priority -110", rules),
    )


def leave(settings: Settings, kept: Sequence[str] = ()) -> Chain:
    """Return the chain that says as whom packets leave the host.

    The host's clients on loopback come from the bridge's own address, and containers go out into
    the world as the host. Whoever else comes to a port keeps the own address.

    + kept: rules for packets that are to leave otherwise
    """
    subnet = settings.publish_subnet
    return Chain(
        name="postrouting",
        hook="nat hook postrouting priority srcnat - 10",
        rules=(
            f"ip saddr 127.0.0.0/8 ip daddr {subnet} counter masquerade",
            *kept,
            f"ip saddr {subnet} ip daddr != {subnet} counter masquerade",
        ),
    )


def guard(situation: Situation, opened: str | None) -> Chain:
    """Return the chain that drops what no published port is for, before anything translates it.

    A published address is a rule and not a card, so packets for it, for the loopback addresses that
    the bridge routes, and for the bridge's own subnet would be taken from any neighbour.

    + opened: the card from which the bridge's subnet may be reached
    """
    settings = situation.settings
    inside = ["lo", PUBLISH_INTERFACE]
    dropped = [
        'iifname != "lo" ip daddr 127.0.0.0/8 counter drop',
        f"{_not_from([*inside, *([opened] if opened else [])])} "
        f"ip daddr {settings.publish_subnet} counter drop",
    ]
    address = settings.published
    if address is not None and not address.is_loopback:
        network = situation.network
        cards = {route.interface for route in connected_routes(address, network)}
        cards |= {card.interface for card in find_cards(network, None) if card.address == address}
        # One for a service, on no card's subnet: no telling through which card its packets come.
        if cards:
            dropped.append(
                f"{_not_from([*inside, CLIENT_INTERFACE, *sorted(cards)])} ip daddr {address} "
                f"{ports(settings)} counter drop"
            )
    return Chain("guard", "filter hook prerouting priority raw", tuple(dropped))


def _not_from(interfaces: Iterable[str]) -> str:
    return f"iifname != {_names(interfaces)}"


def keep_apart(cards: Sequence[str]) -> Chain:
    """Return the chain that keeps a host that was no router from being one between its cards.

    It forwards for its containers, and the kernel does so for everybody or for nobody.
    """
    rule = f"iifname {_names(cards)} oifname {_names(cards)} counter drop"
    return Chain("cards", "filter hook forward priority filter + 10", (rule,))


def _names(interfaces: Iterable[str]) -> str:
    return f"{{ {', '.join(f'{chr(34)}{name}{chr(34)}' for name in interfaces)} }}"
