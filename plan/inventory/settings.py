"""The inventory's words: typed, and what follows from them."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network

from pydantic import BaseModel, ConfigDict

from names import SCHEDULER
from plan.inventory.limits import Capabilities, Cpus, Memory, Processes, Starts, Timezone
from plan.inventory.modes import MODES, Mode
from plan.inventory.mounts import Files, Volumes
from plan.inventory.registries import RegistryLogin
from plan.inventory.services import Services
from plan.inventory.tunnels import Wireguard
from plan.inventory.values import (
    Address,
    Command,
    DatabaseAddress,
    Egress,
    FilePath,
    HealthCommand,
    HostCount,
    HostName,
    ImageReference,
    InterfaceName,
    Member,
    ModeName,
    Network,
    Networks,
    Port,
    Ports,
    PublishAddress,
    UrlPath,
    Workers,
)
from plan.inventory.variables import Sources, Variables

_APP = re.compile(r"(.*/)?onetimesecret(-lite|-s6)?([:@].*)?")


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
    services: Services
    image: ImageReference
    image_archive: FilePath | None
    accept_data_move: bool
    registry_login: RegistryLogin | None
    follow_tag: bool
    container_port: Port
    environment: Variables
    secrets: Sources
    files: Files
    volumes: Volumes
    release_command: Command | None
    release_secrets: Sources
    workers: Workers
    scheduler: bool
    worker_command: Command
    worker_health_command: HealthCommand | None
    scheduler_command: Command
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
    notify: Command | None
    notify_host: Command | None

    @property
    def mode(self) -> Mode:
        """The traits of the network mode."""
        return MODES[self.network_mode]

    @property
    def runs_app(self) -> bool:
        """Whether the image is the real app's, by its name."""
        return _APP.fullmatch(self.image) is not None

    @property
    def variables(self) -> dict[str, str]:
        """What the app is given, but for secrets: the real one logs without colours, as JSON."""
        return ({"LOG_FORMATTER": "json"} if self.runs_app else {}) | self.environment

    @property
    def jobs(self) -> tuple[str, ...]:
        """What works beside the instances, by name: the workers, and the scheduler last."""
        return (*self.workers, *([SCHEDULER] if self.scheduler else []))

    @property
    def members(self) -> tuple[Member, ...]:
        """The containers of the app, which each have a place on the networks."""
        return (*self.instances, *self.jobs)

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
