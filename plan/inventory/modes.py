"""What tells one network mode from another: the one registry that everything else asks.

How a mode plans is in the module of its name in `plan/modes/`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from names import LINK_KINDS, SHIM_KINDS


@dataclass(frozen=True)
class CardLink:
    """A kind of link that puts a container on the private card.

    + kind, submode: as `ip link` and Podman call them
    + own_mac: each container has a MAC of its own; else all share the card's
    """

    kind: str
    submode: str
    own_mac: bool

    @property
    def interface(self) -> str:
        """Name of the shim: the host's own interface of this kind."""
        return f"{self.kind}0"


@dataclass(frozen=True)
class Mode:
    """The traits of a network mode.

    + needs_card: it cannot do without a private card
    + link: containers are on the private card by such a link, with addresses of `container_range`;
      none, and they are not neighbours of the host there
    + bridge: ports are published by a bridge; else the app listens on the host itself
    + tunnel: each instance reaches the database by a tunnel of its own, through a sidecar
    + database_given: `db_address` must be given, since the host's own name service does not know it
    + optional_nat: `routed_nat = False` shows the network the containers' own addresses
    + kernel_links: the kinds of links that the kernel must be able to make; one of them will do

    Raises `ValueError` for a kind of link that the host's side does not know.
    """

    name: str
    needs_card: bool = False
    link: CardLink | None = None
    bridge: bool = True
    tunnel: bool = False
    database_given: bool = False
    optional_nat: bool = False
    kernel_links: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.link and self.link.kind not in SHIM_KINDS:
            raise ValueError(f"{self.name}: names.SHIM_KINDS lacks {self.link.kind}")
        if unknown := set(self.kernel_links) - set(LINK_KINDS):
            raise ValueError(f"{self.name}: names.LINK_KINDS lacks {', '.join(sorted(unknown))}")


_MACVLAN = CardLink("macvlan", submode="bridge", own_mac=True)
_IPVLAN = CardLink("ipvlan", submode="l2", own_mac=False)

MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode("macvlan", needs_card=True, link=_MACVLAN, kernel_links=("macvlan",)),
        Mode("ipvlan", needs_card=True, link=_IPVLAN, kernel_links=("ipvlan",)),
        Mode("routed", needs_card=True, optional_nat=True),
        Mode("direct"),
        Mode("wireguard", tunnel=True, database_given=True, kernel_links=("wireguard", "tun")),
        Mode("host", bridge=False),
    )
}


def fitting(condition: Callable[[Mode], bool]) -> str:
    """Return the names of the modes for which a condition holds, as advice says them."""
    return " or ".join(mode.name for mode in MODES.values() if condition(mode))
