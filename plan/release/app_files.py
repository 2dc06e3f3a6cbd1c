"""What every container of the app is made from: its variables, its files, what its unit says."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from names import MOUNTED
from plan.model import File, ModePlan
from plan.release import render
from plan.situation import Situation


def app_files(situation: Situation) -> tuple[File, ...]:
    """Return the files that containers of the app share; a change of one restarts them all."""
    variables = situation.settings.variables
    return (
        File("environment", render.render("environment.j2", environment=variables), mode=0o600),
        # Each is mounted by itself: what has gone from a directory would be gone from its mount.
        *(
            File(f"{MOUNTED}{path}", text, mode=0o444)
            for path, text in sorted(situation.files.items())
        ),
    )


def app_values(situation: Situation, mode: ModePlan, controllers: Container[str]) -> dict[str, Any]:
    """Return the values of `app.j2`, the part of the unit that all of them have.

    + controllers: what the host's kernel can limit
    """
    settings = situation.settings
    # Published ports and names belong to the container that has the network.
    own = mode.sidecar is None
    return {
        "settings": settings,
        "secrets": [it for it in situation.secrets if it.variable in settings.secrets],
        "bridged": settings.mode.bridge and own,
        "pids": settings.pids if "pids" in controllers else None,
        "hosts": situation.hosts if own else (),
        "files": sorted(situation.files),
    }
