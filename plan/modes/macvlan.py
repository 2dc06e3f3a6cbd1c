"""macvlan: each container is a host of its own on the private network, with a MAC of its own."""

from __future__ import annotations

from plan.model import ModePlan
from plan.modes.lan import plan_lan
from plan.situation import Situation


def plan(situation: Situation) -> ModePlan:
    """Plan the host; raises `PlanError` where settings and network do not fit."""
    return plan_lan(situation)
