"""What a network mode decides from: the inventory's words, and what was seen of the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from facts.network import HostNetwork
from plan.inventory.settings import Settings
from plan.inventory.values import Member
from plan.model import Secret
from plan.network.detect import PrivateNetwork


@dataclass(frozen=True)
class Situation:
    """What a network mode decides from.

    `private` is none where the host has no private card that can be told; `database` is the address
    that the inventory gives or the host resolves; `installed` and `bridged` are the addresses that
    instances have now on the private network and on the bridge, which they keep; `drivers` are the
    kinds of links that the host can make; a `router` forwarded packets before the deploy came;
    `files` are the texts that containers get, by path in there.
    """

    host: str
    settings: Settings
    network: HostNetwork
    private: PrivateNetwork | None
    database: IPv4Address | None
    installed: Mapping[Member, IPv4Address]
    bridged: Mapping[Member, IPv4Address]
    secrets: tuple[Secret, ...]
    drivers: frozenset[str]
    router: bool
    files: Mapping[str, str]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that containers are told the address of, as NAME:ADDRESS.

        Where there is one, they are all, since the host's own file of names is left out then.
        """
        settings = self.settings
        services = [f"{name}:{service.address}" for name, service in settings.services.items()]
        database = settings.db_address or (self.database if services else None)
        return (*([f"{settings.db_host}:{database}"] if database else []), *services)

    @property
    def endpoints(self) -> dict[str, tuple[IPv4Address, int]]:
        """Address and port of what containers need of others, by what it is."""
        settings, endpoints = self.settings, {}
        if self.database and settings.db_address != "host-gateway":
            endpoints["database"] = (self.database, settings.db_port)
        for name, service in settings.services.items():
            endpoints[f"service {name}"] = (service.address, service.port)
        return endpoints
