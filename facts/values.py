"""What every observed value has in common: it is frozen, typed, and prints as plain JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any


class Readable:
    """A dataclass that `pyinfra … fact` can print."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values that the JSON encoder knows."""
        assert dataclasses.is_dataclass(self)  # noqa: S101 - for the type checker
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


def _plain(value: Any) -> Any:
    match value:
        case IPv4Address() | IPv4Network() | IPv6Address():
            return str(value)
        case frozenset() | set():
            return sorted((_plain(item) for item in value), key=str)
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case Readable():
            return value.to_json()
    return value
