"""ipvlan: each container is an address on the host's own MAC, for switches that refuse others.

Layer 2: containers answer ARP for themselves, so the network needs no routes to them.
"""

from __future__ import annotations

from plan.model import ModePlan
from plan.modes.lan import plan_lan
from plan.situation import Situation


def plan(situation: Situation) -> ModePlan:
    """Plan the host; raises `PlanError` where settings and network do not fit."""
    return plan_lan(situation)
