"""The host's own side: nft table and shim, by the very unit that restores them at boot."""

from __future__ import annotations

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import operation

from plan.changes import Changes
from plan.model import HOST_UNIT


@operation()
def apply(changes: Changes) -> Generator[str]:
    """Run the host's network unit again, if rules or shim are not as planned.

    + changes: what differs
    """
    if changes.host_network:
        yield (
            f"systemctl restart {HOST_UNIT} || "
            f"{{ journalctl -u {HOST_UNIT} -n 10 --no-pager >&2; exit 1; }}"
        )
    else:
        host.noop("rules and shim are as planned")
