"""Hosts of the mode wireguard, and what they are refused."""

from __future__ import annotations

import base64
import copy
from typing import Any

from plan.model import HostPlan
from plan.observed import Observed
from tests.unit.observed import network, settings
from tests.unit.planned import altered, fresh, refusals


def key(number: int) -> str:
    return base64.b64encode(bytes([number] * 32)).decode()


PUBLIC = key(255)
PEER = {"public_key": PUBLIC, "endpoint": "203.0.113.2:51820"}
WIREGUARD: dict[str, Any] = {
    "image": "registry.example/wireguard:1",
    "peers": [PEER],
    "instances": {
        7043: {"private_key": "env:WG_1", "address": "10.99.0.2/32"},
        7044: {"private_key": "file:/keys/2", "address": "10.99.0.3/32"},
    },
}
IMAGES = {settings().image: "sha256:1", WIREGUARD["image"]: "sha256:2"}
KEYS = {"wireguard-7043": key(1), "wireguard-7044": key(2)}


def words(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(WIREGUARD) | changed


def peer(**changed: Any) -> dict[str, Any]:
    return words(peers=[PEER | changed])


def host(
    wireguard: Any = WIREGUARD,
    *,
    keys: dict[str, str] | None = None,
    drivers: tuple[str, ...] = ("tun",),
    **data: Any,
) -> Observed:
    """Return a host that is to be in the mode, with nothing on it yet."""
    behind = {"network_mode": "wireguard", "db_address": "10.77.0.10", "wireguard": wireguard}
    installed = altered(fresh(), kernel_links=frozenset(drivers), images=IMAGES)
    known = KEYS if keys is None else keys
    return Observed(settings(**(behind | data)), network("plain"), installed, known)


def text(plan: HostPlan, path: str) -> str:
    return plan.file(path).content


def refused(*hosts: Observed) -> list[str]:
    seen = {f"h{index}": one for index, one in enumerate(hosts)}
    return [str(problem) for problem in refusals(seen)]
