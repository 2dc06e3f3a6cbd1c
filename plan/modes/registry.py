"""From a network mode's name to how it plans."""

from __future__ import annotations

from importlib import import_module

from plan.model import ModePlan
from plan.situation import Situation


def plan_mode(situation: Situation) -> ModePlan:
    """Return what the mode of a host's settings decides.

    Raises `PlanError` where settings and host do not fit it.
    """
    plan: ModePlan = import_module(f"plan.modes.{situation.settings.network_mode}").plan(situation)
    return plan
