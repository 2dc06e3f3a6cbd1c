"""One module per network mode, each with the same single function `plan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plan.model import ModePlan, Situation
from plan.modes import direct, host, ipvlan, macvlan, routed, wireguard


@dataclass(frozen=True)
class Mode:
    """A network mode: how it plans, and what it needs of the host.

    + private_card: the mode cannot do without one
    + drivers: the kernel's link drivers that it stands on; one of them will do
    + layer2: containers become neighbours of the host there, so a /32 address does not do
    """

    plan: Callable[[Situation], ModePlan]
    private_card: bool
    layer2: bool
    drivers: tuple[str, ...] = ()


MODES: Mapping[str, Mode] = {
    "macvlan": Mode(macvlan.plan, private_card=True, layer2=True, drivers=("macvlan",)),
    "ipvlan": Mode(ipvlan.plan, private_card=True, layer2=True, drivers=("ipvlan",)),
    "routed": Mode(routed.plan, private_card=True, layer2=False),
    "direct": Mode(direct.plan, private_card=False, layer2=False),
    "wireguard": Mode(
        wireguard.plan, private_card=False, layer2=False, drivers=("wireguard", "tun")
    ),
    "host": Mode(host.plan, private_card=False, layer2=False),
}
