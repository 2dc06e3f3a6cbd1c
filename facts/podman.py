"""Podman's own objects, as its JSON tells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from facts.reading import parse_json
from facts.values import Readable


class _PortJson(TypedDict):
    host_port: int


class _ContainerJson(TypedDict):
    Names: Annotated[list[str], Field(min_length=1)]
    State: str
    StartedAt: int
    Pid: int
    Ports: NotRequired[list[_PortJson] | None]
    Networks: NotRequired[list[str] | None]
    Labels: NotRequired[dict[str, str] | None]


class _SubnetJson(TypedDict):
    subnet: str


class _NetworkJson(TypedDict):
    name: str
    driver: str
    network_interface: NotRequired[str]
    subnets: NotRequired[list[_SubnetJson] | None]
    labels: NotRequired[dict[str, str] | None]


class _SecretSpecJson(TypedDict):
    Name: str
    Labels: NotRequired[dict[str, str] | None]


class _SecretJson(TypedDict):
    Spec: _SecretSpecJson


_CONTAINERS = TypeAdapter(list[_ContainerJson])
_NETWORKS = TypeAdapter(list[_NetworkJson])
_SECRETS = TypeAdapter(list[_SecretJson])


@dataclass(frozen=True)
class Container(Readable):
    """A container of the deploy, with the digest of the configuration it was started from.

    `ports` are those of the host that it publishes. Podman tells them, too, of one that has its
    network from another; it has none here.
    """

    name: str
    running: bool
    config: str | None
    started_at: int
    pid: int
    ports: tuple[int, ...] = ()


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
    """A Podman secret of the deploy, with the digest of its value."""

    name: str
    config: str | None


def parse_version(text: str) -> tuple[int, ...] | None:
    """Return a version as three numbers, none if the text holds none."""
    match = re.match(r"([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?", text.strip())
    return tuple(int(part or 0) for part in match.groups()) if match else None


def parse_containers(text: str) -> dict[str, Container]:
    """Return containers by name, from `podman ps --format json`."""
    return {
        item["Names"][0]: Container(
            name=item["Names"][0],
            running=item["State"] == "running",
            config=_config(item.get("Labels")),
            started_at=item["StartedAt"],
            pid=item["Pid"],
            ports=tuple(
                port["host_port"] for port in item.get("Ports") or () if item.get("Networks")
            ),
        )
        for item in parse_json(_CONTAINERS, "podman ps", text)
    }


def parse_networks(text: str) -> dict[str, PodmanNetwork]:
    """Return networks by name, from `podman network inspect`; IPv6 subnets are left out."""
    return {
        item["name"]: PodmanNetwork(
            name=item["name"],
            driver=item["driver"],
            interface=item.get("network_interface"),
            subnets=tuple(
                IPv4Network(part["subnet"])
                for part in item.get("subnets") or ()
                if ":" not in part["subnet"]
            ),
            config=_config(item.get("labels")),
        )
        for item in parse_json(_NETWORKS, "podman network inspect", text)
    }


def parse_secrets(text: str) -> dict[str, PodmanSecret]:
    """Return secrets by name, from `podman secret inspect`."""
    return {
        item["Spec"]["Name"]: PodmanSecret(
            name=item["Spec"]["Name"],
            config=_config(item["Spec"].get("Labels")),
        )
        for item in parse_json(_SECRETS, "podman secret inspect", text)
    }


def _config(labels: dict[str, str] | None) -> str | None:
    return (labels or {}).get("onetime.config")
