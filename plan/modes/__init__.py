"""One module per network mode, each with the same single function `plan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plan.model import ModePlan, Situation
from plan.modes import direct, host, macvlan, routed


@dataclass(frozen=True)
class Mode:
    """A network mode: how it plans, and whether it can do without a private card."""

    plan: Callable[[Situation], ModePlan]
    needs_private_card: bool


MODES: Mapping[str, Mode] = {
    "macvlan": Mode(macvlan.plan, needs_private_card=True),
    "routed": Mode(routed.plan, needs_private_card=True),
    "direct": Mode(direct.plan, needs_private_card=False),
    "host": Mode(host.plan, needs_private_card=False),
}
