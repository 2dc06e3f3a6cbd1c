"""Podman's own objects, as its JSON tells them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from facts.reading import Part, parse_json
from facts.values import Readable
from names import CONFIG_LABEL


class _ContainerJson(TypedDict):
    Names: Annotated[list[str], Field(min_length=1)]
    State: str
    Labels: NotRequired[dict[str, str] | None]
    ImageID: NotRequired[str | None]


class _SubnetJson(TypedDict):
    subnet: str


class _NetworkJson(TypedDict):
    name: str
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

    `image` is the ID of what it runs.
    """

    name: str
    running: bool
    config: str | None
    image: str | None = None


@dataclass(frozen=True)
class PodmanNetwork(Readable):
    """A live Podman network, with the digest of the definition it was created from."""

    name: str
    subnets: tuple[IPv4Network, ...]
    config: str | None


@dataclass(frozen=True)
class PodmanSecret(Readable):
    """A Podman secret of the deploy, with the digest of its value."""

    name: str
    config: str | None


@dataclass(frozen=True)
class PodmanState(Readable):
    """What Podman has for the deploy, and networks of others.

    + version: as numbers, none if Podman is not there
    + images: the IDs of those that were asked for, by reference
    + unguarded: running containers that are not guarded as the current release says
    """

    version: tuple[int, ...] | None
    images: Mapping[str, str]
    containers: Mapping[str, Container]
    networks: Mapping[str, PodmanNetwork]
    secrets: Mapping[str, PodmanSecret]
    unguarded: frozenset[str]


_QUESTION = r"""
secrets() { podman secret ls -q --filter name=@SECRET_PREFIX@ | xargs -r podman secret inspect; }
guards() { [ ! -e @CURRENT@/host/guard ] || sh @CURRENT@/host/guard.sh missing; }
say guards guards
# Asked for more than its version, it looks at all that it has.
say podman podman --version
say containers podman ps --all --format json --filter 'name=^@INSTANCE@-'
say networks podman network ls --format json
say secrets secrets
"""


def images_question(references: Iterable[str]) -> str:
    """Return the question for the IDs of images, a line each: reference and ID."""
    asked = " ".join(map(shlex.quote, references))
    # Podman prefixes IDs in some formats; here it does not.
    return (
        f"images() {{ for image in {asked}; do "
        'id=$(podman image inspect --format \'{{.Id}}\' "$image") && echo "$image $id"; done; }\n'
        "say images images\n"
    )


def _parse(answers: Mapping[str, str]) -> PodmanState:
    return PodmanState(
        version=parse_version(answers["podman"].rpartition(" ")[2]),
        images=dict(line.split(maxsplit=1) for line in answers["images"].splitlines()),
        containers=parse_containers(answers["containers"]),
        networks=parse_networks(answers["networks"]),
        secrets=parse_secrets(answers["secrets"]),
        unguarded=frozenset(answers["guards"].split()),
    )


PODMAN = Part(_QUESTION, _parse)


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
            image=item.get("ImageID"),
        )
        for item in parse_json(_CONTAINERS, "podman ps", text)
    }


def parse_networks(text: str) -> dict[str, PodmanNetwork]:
    """Return networks by name, from `podman network ls`; IPv6 subnets are left out."""
    return {
        item["name"]: PodmanNetwork(
            name=item["name"],
            subnets=tuple(
                IPv4Network(part["subnet"])
                for part in item.get("subnets") or ()
                if ":" not in part["subnet"]
            ),
            config=_config(item.get("labels")),
        )
        for item in parse_json(_NETWORKS, "podman network ls", text)
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
    return (labels or {}).get(CONFIG_LABEL)
