"""Podman's own objects, as its JSON tells them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from facts.values import Readable


@dataclass(frozen=True)
class Container(Readable):
    """A container of the deploy, with the digest of the configuration it was started from."""

    name: str
    running: bool
    config: str | None
    started_at: int
    pid: int


@dataclass(frozen=True)
class PodmanNetwork(Readable):
    """A live Podman network, with the digest of the definition it was created from."""

    name: str
    driver: str
    interface: str | None
    subnets: tuple[IPv4Network, ...]
    config: str | None


@dataclass(frozen=True)
class PodmanSecret(Readable):
    """A Podman secret of the deploy: the digest of its value, and when it was set (Unix time)."""

    name: str
    config: str | None
    set_at: float


def parse_version(text: str) -> tuple[int, ...] | None:
    """Return a version as three numbers, none if the text holds none."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text.strip())
    return tuple(int(part or 0) for part in match.groups()) if match else None


def parse_list(text: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON list; no text at all is an empty one."""
    items = json.loads(text) if text.strip() else []
    if not isinstance(items, list):
        raise ValueError(f"a list was expected, not {text[:40]!a}")  # noqa: TRY004
    return items


def parse_container(item: dict[str, Any]) -> Container:
    """Read one object of `podman ps --format json`."""
    return Container(
        name=item["Names"][0],
        running=item["State"] == "running",
        config=(item.get("Labels") or {}).get("onetime.config"),
        started_at=int(item["StartedAt"]),
        pid=int(item["Pid"]),
    )


def parse_network(item: dict[str, Any]) -> PodmanNetwork:
    """Read one object of `podman network inspect`."""
    subnets = [
        IPv4Network(s["subnet"]) for s in item.get("subnets") or [] if ":" not in s["subnet"]
    ]
    return PodmanNetwork(
        name=item["name"],
        driver=item["driver"],
        interface=item.get("network_interface"),
        subnets=tuple(subnets),
        config=(item.get("labels") or {}).get("onetime.config"),
    )


def parse_secret(item: dict[str, Any]) -> PodmanSecret:
    """Read one object of `podman secret inspect`."""
    # Go prints nanoseconds and a zone; Python reads microseconds.
    when = re.sub(r"(\.\d{6})\d+", r"\1", item["UpdatedAt"])
    return PodmanSecret(
        name=item["Spec"]["Name"],
        config=(item["Spec"].get("Labels") or {}).get("onetime.config"),
        set_at=datetime.fromisoformat(when).timestamp(),
    )
