"""The gate before an instance's port, which is closed from before it stops until it is healthy."""

from __future__ import annotations

from plan.model import File
from plan.render import render
from plan.settings import Settings


def plan_gate(settings: Settings, *, published: bool) -> File:
    """Return the script that the instances' units run.

    + published: ports are published by a bridge; else the app listens on the host itself
    """
    if not published:
        # There the health command asks on the host's loopback, while the gate is still closed.
        destination = "fib daddr type local ip daddr != 127.0.0.0/8"
    elif settings.publish_address:
        destination = f"ip daddr {settings.publish_address}"
    else:
        destination = "fib daddr type local"
    app_port = settings.container_port if published else "$port"
    text = render("gate.sh.j2", destination=destination, app_port=app_port)
    return File("gate.sh", text, mode=0o755)
