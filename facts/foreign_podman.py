"""Containers and networks that the deploy did not make, as Podman's JSON tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from facts.reading import Part, parse_json
from facts.values import Readable
from names import CONFIG_LABEL

# Of variables the names alone: what they hold stays on the host.
_QUESTION = r"""
foreign_containers() {
  podman ps --all --quiet | xargs -r podman inspect --format '{"name": {{json .Name}},
    "image": {{json .ImageName}}, "running": {{json .State.Running}},
    "own": {{json (index .Config.Labels "@CONFIG_LABEL@")}},
    "mode": {{json .HostConfig.NetworkMode}}, "ports": {{json .HostConfig.PortBindings}},
    "networks": {{json .NetworkSettings.Networks}},
    "variables": [{{range .Config.Env}}{{json (index (split . "=") 0)}},{{end}} ""]}'
}
foreign_networks() { podman network ls -q | xargs -r podman network inspect; }
say foreign_containers foreign_containers
say foreign_networks foreign_networks
"""


class _BindingJson(TypedDict):
    HostIp: str
    HostPort: str


class _EndpointJson(TypedDict, total=False):
    IPAddress: str


class _ContainerJson(TypedDict):
    name: str
    image: str
    running: bool
    own: str
    mode: str
    ports: dict[str, list[_BindingJson] | None] | None
    networks: dict[str, _EndpointJson] | None
    variables: list[str]


class _RangeJson(TypedDict):
    start_ip: str
    end_ip: str


class _SubnetJson(TypedDict):
    subnet: str
    gateway: NotRequired[str]
    lease_range: NotRequired[_RangeJson | None]


class _NetworkJson(TypedDict):
    name: str
    driver: str
    network_interface: NotRequired[str]
    subnets: NotRequired[list[_SubnetJson] | None]
    labels: NotRequired[dict[str, str] | None]


_CONTAINERS = TypeAdapter(list[_ContainerJson])
_NETWORKS = TypeAdapter(list[_NetworkJson])


@dataclass(frozen=True)
class ForeignPort(Readable):
    """A published port: the container's, and the host's address and port, as text."""

    inside: int
    address: str
    outside: int


@dataclass(frozen=True)
class ForeignContainer(Readable):
    """A container that the deploy did not make.

    + mode: host, bridge or something else, as Podman calls it
    + networks: its addresses by the name of the network
    + variables: their names
    """

    name: str
    image: str
    running: bool
    mode: str
    ports: tuple[ForeignPort, ...]
    networks: Mapping[str, str]
    variables: frozenset[str]


@dataclass(frozen=True)
class ForeignNetwork(Readable):
    """A Podman network that the deploy did not make; what is not told is empty."""

    name: str
    driver: str
    parent: str
    subnet: str
    gateway: str
    lease_range: tuple[IPv4Address, IPv4Address] | None


@dataclass(frozen=True)
class ForeignPodman(Readable):
    """What Podman has that the deploy did not make: containers, and networks by name."""

    containers: tuple[ForeignContainer, ...]
    networks: Mapping[str, ForeignNetwork]


def _containers(text: str) -> Iterator[ForeignContainer]:
    # An object per container, each over several lines.
    listed = re.sub(r"\}\s*\n\{", "},\n{", text.strip())
    for item in parse_json(_CONTAINERS, "podman inspect", f"[{listed}]"):
        if item["own"]:
            continue
        yield ForeignContainer(
            name=item["name"],
            image=item["image"],
            running=item["running"],
            mode=item["mode"],
            ports=tuple(_ports(item["ports"] or {})),
            networks={
                name: end.get("IPAddress", "") for name, end in (item["networks"] or {}).items()
            },
            variables=frozenset(filter(None, item["variables"])),
        )


def _ports(bindings: Mapping[str, list[_BindingJson] | None]) -> Iterator[ForeignPort]:
    for inside, places in bindings.items():
        number, _, protocol = inside.partition("/")
        for place in places or ():
            if protocol in {"", "tcp"} and place["HostPort"]:
                yield ForeignPort(int(number), place["HostIp"], int(place["HostPort"]))


def _networks(text: str) -> dict[str, ForeignNetwork]:
    networks = {}
    for item in parse_json(_NETWORKS, "podman network inspect", text):
        if (item.get("labels") or {}).get(CONFIG_LABEL):
            continue
        subnets = [part for part in item.get("subnets") or () if ":" not in part["subnet"]]
        subnet = subnets[0] if subnets else None
        leases = subnet.get("lease_range") if subnet else None
        networks[item["name"]] = ForeignNetwork(
            name=item["name"],
            driver=item["driver"],
            parent=item.get("network_interface", ""),
            subnet=subnet["subnet"] if subnet else "",
            gateway=subnet.get("gateway", "") if subnet else "",
            lease_range=(
                (IPv4Address(leases["start_ip"]), IPv4Address(leases["end_ip"])) if leases else None
            ),
        )
    return networks


FOREIGN_PODMAN = Part(
    _QUESTION,
    lambda answers: ForeignPodman(
        tuple(_containers(answers["foreign_containers"])), _networks(answers["foreign_networks"])
    ),
)
