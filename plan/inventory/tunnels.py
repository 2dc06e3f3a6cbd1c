"""The word `wireguard`: peers, keys and addresses of the tunnels, checked and typed.

Values of keys are never here: the inventory says where each is to be found.
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from plan.inventory.values import FilePath, ImageReference, InstancePort
from plan.inventory.variables import Source

_KEY_BYTES, _HOST_PREFIX = 32, 32
_LAST_PORT = 65535
_LONGEST_KEEPALIVE = 120
_ENDPOINT = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?):([0-9]{1,5})")


def is_key(text: str) -> bool:
    """Tell whether a text is a WireGuard key: 32 bytes in base64."""
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _key(value: object) -> str:
    if not isinstance(value, str) or not is_key(value):
        raise ValueError("must be a public key, 32 bytes in base64 as `wg pubkey` prints them")
    return value


def _endpoint(value: object) -> str:
    match = _ENDPOINT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[3]) <= _LAST_PORT or not _plausible(match[1]):
        raise ValueError("must be a host name or IPv4 address, a colon, and a port")
    return match[0]


def _plausible(host: str) -> bool:
    """Tell whether a host is a name, or else a good address."""
    try:
        return bool(IPv4Address(host))
    except ValueError:
        return not re.fullmatch(r"[0-9.]+", host)


def _seconds(value: object) -> int:
    if type(value) is not int or not 1 <= value <= _LONGEST_KEEPALIVE:
        raise ValueError(f"must be a number of seconds from 1 to {_LONGEST_KEEPALIVE}")
    return value


def _some(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list, with one entry at least")
    return tuple(value)


def _network(value: object) -> IPv4Network:
    # The error of `ipaddress` would quote what may be a key in the wrong place.
    with suppress(ValueError):
        if isinstance(value, str):
            network = IPv4Network(value)
            # The way to everything would be the way to the peer itself.
            if network.prefixlen:
                return network
    raise ValueError("must be an IPv4 network, such as 10.0.0.0/24")


def _single(value: object) -> IPv4Network:
    with suppress(ValueError):
        if (network := _network(value)).prefixlen == _HOST_PREFIX:
            return network
    raise ValueError("must be a single address, such as 10.99.0.43/32")


_Network = Annotated[IPv4Network, BeforeValidator(_network)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Peer(_Part):
    """The other end of the tunnels.

    `allowed_ips` are what the tunnel leads to: where none is given, the database alone.
    """

    public_key: Annotated[str, BeforeValidator(_key)]
    endpoint: Annotated[str, BeforeValidator(_endpoint)]
    preshared_key: Source | None = None
    allowed_ips: Annotated[tuple[_Network, ...], BeforeValidator(_some)] | None = None
    keepalive: Annotated[int, BeforeValidator(_seconds)] = 25

    @property
    def address(self) -> IPv4Address | None:
        """The endpoint's address, if it is no name."""
        try:
            return IPv4Address(self.endpoint.rpartition(":")[0])
        except ValueError:
            return None


class Tunnel(_Part):
    """One instance's end: where its private key is to be found, and its address."""

    private_key: Source
    address: Annotated[IPv4Network, BeforeValidator(_single)]


class Wireguard(_Part):
    """All that the mode needs to know."""

    image: ImageReference
    image_archive: FilePath | None = None
    peers: Annotated[tuple[Peer, ...], BeforeValidator(_some)]
    instances: dict[InstancePort, Tunnel]

    def sources(self, ports: tuple[int, ...]) -> dict[str, str]:
        """Return where each key of these instances is to be found, by the secret's variable."""
        keys = {
            private_key(port): tunnel.private_key
            for port, tunnel in self.instances.items()
            if port in ports
        }
        return keys | {
            preshared_key(index): peer.preshared_key
            for index, peer in enumerate(self.peers)
            if peer.preshared_key is not None
        }


def private_key(port: int) -> str:
    """Return the variable of the secret that holds an instance's private key."""
    return f"wireguard-{port}"


def preshared_key(peer: int) -> str:
    """Return the variable of the secret that holds a peer's preshared key."""
    return f"wireguard-peer-{peer}"
