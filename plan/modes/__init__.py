"""One module per network mode, each with the same single function `plan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from plan.model import ModePlan, Situation
from plan.modes import macvlan

MODES: Mapping[str, Callable[[Situation], ModePlan]] = {"macvlan": macvlan.plan}
