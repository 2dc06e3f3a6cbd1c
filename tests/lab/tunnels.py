"""The settings of hosts whose instances reach the lab's database behind WireGuard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab import api
from lab.app import sidecar
from tests.lab.harness import PORTS


def settings(ports: Sequence[int] = PORTS, *, first: int = 0, **peer: object) -> dict[str, Any]:
    """Return what an inventory says of the mode, with a client of the endpoint per port.

    + first: the index of the first port's client
    + peer: more words for the endpoint as a peer
    """
    lab = api.wireguard()
    clients = lab.clients[first : first + len(ports)]
    shared = clients[0].preshared_key
    return {
        "network_mode": "wireguard",
        "db_address": lab.database,
        "wireguard": {
            "image": sidecar.NAME,
            "image_archive": str(api.wireguard_archive()),
            "peers": [
                {
                    "public_key": lab.public_key,
                    "endpoint": lab.endpoint,
                    "preshared_key": f"file:{shared}" if shared else None,
                }
                | peer
            ],
            "instances": {
                port: {"private_key": f"file:{client.private_key}", "address": client.address}
                for port, client in zip(ports, clients, strict=True)
            },
        },
    }
