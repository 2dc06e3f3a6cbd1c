"""The word `services`: what the containers reach on the private network beside the database."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from plan.inventory.values import Address, HostName, Port, did_you_mean

Protocol = Literal["redis", "postgresql", "amqp", "tcp"]
_PROTOCOLS = ("redis", "postgresql", "amqp", "tcp")
# Names that mean something else inside every container.
_RESERVED = ("localhost", "host.containers.internal", "host.docker.internal")


def _protocol(value: object) -> object:
    if value not in _PROTOCOLS:
        meant = did_you_mean(str(value), _PROTOCOLS)
        raise ValueError(f"must be one of {', '.join(_PROTOCOLS)}{meant}")
    return value


def _names(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be a dictionary of services by name")  # noqa: TRY004 - for pydantic
    for name in value:
        if name in _RESERVED:
            raise ValueError(f"must leave out {name}, which is the container itself or its host")
    return value


class Service(BaseModel):
    """One service: where it is, and how it is greeted to see that it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    address: Address
    port: Port
    protocol: Annotated[Protocol, BeforeValidator(_protocol)] = "tcp"
    tls: bool = False

    @property
    def greeting(self) -> str:
        """How it is asked whether it answers; PostgreSQL begins the same with and without TLS."""
        return "tls" if self.tls and self.protocol != "postgresql" else self.protocol


Services = Annotated[dict[HostName, Service], BeforeValidator(_names)]
