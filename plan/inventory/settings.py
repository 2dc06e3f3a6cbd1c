"""The inventory's words: read, checked and typed. Unknown words and bad values are problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from plan.inventory.limits import Capabilities, Cpus, Memory, Processes, Starts, Timezone
from plan.inventory.modes import MODES, Mode
from plan.inventory.tunnels import Wireguard
from plan.inventory.values import (
    Address,
    DatabaseAddress,
    Egress,
    FilePath,
    HealthCommand,
    HostCount,
    HostName,
    ImageReference,
    InterfaceName,
    ModeName,
    Network,
    Networks,
    Port,
    Ports,
    PublishAddress,
    Sources,
    UrlPath,
    Variables,
    did_you_mean,
)
from plan.problems import PlanError, Problem

# On the machine that runs pyinfra these win over the inventory.
ENVIRONMENT_KEYS = ("network_interface", "network_subnet", "network_gateway")

# Of a bad value, in an error.
_LONGEST_QUOTE = 80
# Values of these may be private: errors name them and never quote them.
_PRIVATE_KEYS = {"environment", "secrets", "wireguard"}


class Settings(BaseModel):
    """One host's settings; the words and their meaning are in `group_data/all.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    instances: Ports
    network_mode: ModeName
    network_interface: InterfaceName | None
    network_subnet: Network | None
    network_gateway: Address | None
    container_range: Network | None
    publish_subnet: Network
    publish_address: PublishAddress | None
    routed_nat: bool
    shim: bool
    shim_address: Address | None
    db_host: HostName
    db_address: DatabaseAddress | None
    db_port: Port
    image: ImageReference
    image_archive: FilePath | None
    container_port: Port
    environment: Variables
    secrets: Sources
    health_path: UrlPath
    health_command: HealthCommand
    wireguard: Wireguard | None
    lan_clients: Networks
    egress: Egress
    capabilities: Capabilities
    new_privileges: bool
    read_only: bool
    pids: Processes
    memory: Memory | None
    cpus: Cpus | None
    timezone: Timezone | None
    start_limit: Starts | None
    rollout: HostCount

    @property
    def mode(self) -> Mode:
        """The traits of the network mode."""
        return MODES[self.network_mode]

    @property
    def tunnel(self) -> Wireguard | None:
        """The word `wireguard`, if the mode is that."""
        return self.wireguard if self.mode.tunnel else None

    @property
    def images(self) -> list[str]:
        """The references of all images that the host needs."""
        return [self.image, *([self.tunnel.image] if self.tunnel else [])]

    @property
    def archives(self) -> dict[str, str]:
        """The local archives of images that are given, by the word that gives them."""
        archives = {
            "image_archive": self.image_archive,
            "wireguard": self.tunnel.image_archive if self.tunnel else None,
        }
        return {key: path for key, path in archives.items() if path is not None}

    @property
    def sources(self) -> dict[str, str]:
        """Where the value of each Podman secret is to be found, by the secret's variable."""
        return self.secrets | (self.tunnel.sources(self.instances) if self.tunnel else {})

    @property
    def own_range(self) -> IPv4Network | None:
        """The part of the private subnet that the mode takes for this host's containers, if any."""
        return self.container_range if self.mode.link else None

    @property
    def own_shim(self) -> IPv4Address | None:
        """The shim's address, if there is to be a shim."""
        return self.shim_place if self.shim else None

    @property
    def published(self) -> IPv4Address | None:
        """The host's address that ports are published on, none for all; a word is resolved by now.

        Raises `TypeError` where it is not: a word must never come to mean all addresses.
        """
        if isinstance(self.publish_address, str):
            raise TypeError(f"publish_address is still {self.publish_address}")
        return self.publish_address

    @property
    def publish_gateway(self) -> IPv4Address:
        """The host's own address on the bridge, where its name server is, too."""
        return self.publish_subnet[1]

    @property
    def shim_place(self) -> IPv4Address | None:
        """The shim's address, kept free of instances even where there is to be no shim."""
        return None if self.own_range is None else self.shim_address or self.own_range[0]


KEYS: tuple[str, ...] = tuple(Settings.model_fields)


def read(
    host: str,
    data: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    ignored: Iterable[str] = (),
) -> Settings:
    """Return the settings of one host; raise `PlanError` with all that is wrong with them.

    + data: the host's data from the inventory
    + environ: the environment of the machine that runs pyinfra
    + ignored: other words that are allowed (those of pyinfra's connectors)
    """
    allowed = {*KEYS, *ignored}
    problems = [
        Problem(
            host,
            key,
            "the deploy knows no such key",
            f"Correct or remove it{did_you_mean(key, KEYS)}; "
            "data of your own goes under a name that starts with _",
        )
        for key in data
        if key not in allowed and not key.startswith("_")
    ]
    values = {key: data[key] for key in KEYS if key in data}
    variables = {key: key.upper() for key in ENVIRONMENT_KEYS if environ.get(key.upper())}
    values |= {key: environ[variable] for key, variable in variables.items()}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += _problems(host, error, values, variables)
    else:
        doubles = sorted(settings.environment.keys() & settings.secrets.keys())
        if doubles:
            observation = f"{', '.join(doubles)} is in environment too"
            problems.append(Problem(host, "secrets", observation, "Leave it in one of the two"))
    if problems:
        raise PlanError(problems)
    return settings


def _problems(
    host: str, error: ValidationError, values: Mapping[str, Any], variables: Mapping[str, str]
) -> list[Problem]:
    """Return one problem per place: a union reports each of its branches, one is enough."""
    problems: dict[str, Problem] = {}
    for detail in error.errors():
        key, *steps = detail["loc"]
        key = str(key)
        place = "".join(map(_step, steps)) if key == "wireguard" else ""
        name = place.lstrip(".")
        if detail["type"] == "missing":
            observation, advice = _missing(name)
        else:
            message = detail["msg"].removeprefix("Value error, ")
            advice = f"It {message}" if detail["type"] == "value_error" else message
            observation = (
                f"{name} cannot be used as it is".lstrip()
                if key in _PRIVATE_KEYS
                else f"{_shown(values[key])} was given"
            )
        problem = Problem(host, variables.get(key, key), observation, advice)
        problems.setdefault(f"{key}{place}", problem)
    return list(problems.values())


def _missing(name: str) -> tuple[str, str]:
    """Return what was seen and what to do where a word is missing, or a part of one by its name."""
    if name:
        return f"{name} is missing", "docs/settings.md says what it holds"
    return "is missing", "group_data/all.py of the checkout sets it: run from there"


def _step(part: int | str) -> str:
    """Return one step of the way to a value; what could be a key that got there is left out."""
    if isinstance(part, int):
        return f"[{part}]"
    if part == "[key]":
        return ""
    return f".{part}" if re.fullmatch(r"[a-z_]{1,24}", part) else ".…"


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."
