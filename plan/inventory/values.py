"""The values that the inventory's words may have: types that check themselves.

No value reaches a shell or a unit file unchecked: each is an address, a number, or text of a
pattern without line ends, and none starts with `-`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator

from names import SCHEDULER
from plan.inventory.modes import MODES

_FIRST_UNPRIVILEGED, _LAST_PORT = 1024, 65535

T = TypeVar("T")
# What runs on a host: an instance by its port, a job by its name.
Member = int | str


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return the question for a misspelt word, empty if none of the words is close to it."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def checked(pattern: str, description: str) -> BeforeValidator:
    """Return a validator for text that reaches unit files and commands."""
    expression = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or not expression.fullmatch(value):
            raise ValueError(f"must be {description}")
        return value

    return BeforeValidator(check)


def _parsed(parse: Callable[[str], T], description: str) -> BeforeValidator:
    """Return a validator for text that `parse` understands."""

    def check(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError(f"must be {description}")  # noqa: TRY004 - pydantic expects ValueError
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"must be {description}; {error}") from None

    return BeforeValidator(check)


def _ipv4_network(text: str) -> IPv4Network:
    network = IPv4Network(text)
    if network.is_multicast or network.is_loopback or network.is_reserved:
        raise ValueError(f"no host on a network has an address in {network}")
    return network


def _ipv4_address(text: str) -> IPv4Address:
    address = IPv4Address(text)
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        raise ValueError(f"no host has the address {address}")
    return address


def _port_from(lowest: int, description: str) -> BeforeValidator:
    def check(value: object) -> int:
        if type(value) is not int or not lowest <= value <= _LAST_PORT:
            raise ValueError(f"must {description} from {lowest} to {_LAST_PORT}")
        return value

    return BeforeValidator(check)


def _count(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("must be a number of hosts, 1 or more")
    return value


def _distinct(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of ports, at least one; teardown.py removes a whole host")
    doubles = sorted({ascii(port) for port in value if value.count(port) > 1})
    if doubles:
        raise ValueError(f"must name each port once; {', '.join(doubles)} stands there more often")
    return tuple(value)


def _mode(value: object) -> object:
    if value not in tuple(MODES):
        raise ValueError(f"must be one of {', '.join(MODES)}{did_you_mean(str(value), MODES)}")
    return value


def _networks(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of IPv4 addresses or networks such as 10.0.0.0/28")  # noqa: TRY004
    return tuple(value)


def _egress(value: object) -> object:
    if value not in ("all", "services"):
        raise ValueError("must be all or services")
    return value


def _command(value: object) -> tuple[object, ...]:
    words = value if isinstance(value, list | tuple) else ()
    if not words or not all(isinstance(it, str) and it and it.isprintable() for it in words):
        raise ValueError('must be a list of words such as ["bin/ots", "migrate"]')
    if str(words[0]).startswith("-"):
        raise ValueError("must begin with a program, not with an option")
    return tuple(words)


def _workers(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError('must be a list of names such as ["emails"]')  # noqa: TRY004
    for name in value:
        if not isinstance(name, str) or not re.fullmatch(_WORKER, name) or name == SCHEDULER:
            raise ValueError(
                f"must hold names of small letters, digits and hyphens, and {str(name)[:40]!a} is "
                "none"
            )
        if value.count(name) > 1:
            raise ValueError(f"must name each worker once; {name} stands there more often")
    return tuple(value)


_NETWORK = _parsed(_ipv4_network, "an IPv4 network such as 10.0.0.0/24")
_ADDRESS = _parsed(_ipv4_address, "an IPv4 address such as 10.0.0.10")
_DATABASE = _parsed(
    lambda text: text if text == "host-gateway" else _ipv4_address(text),
    "an IPv4 address such as 10.0.0.10, or host-gateway",
)
_PUBLISH_WORDS = ("private", "public", "loopback")
_PUBLISH = _parsed(
    lambda text: text if text in _PUBLISH_WORDS else _ipv4_address(text),
    "an address of the host such as 10.0.0.10, or private, public, or loopback",
)
_WORKER = r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

InstancePort = Annotated[int, _port_from(_FIRST_UNPRIVILEGED, "hold unprivileged ports, numbers")]
Port = Annotated[int, _port_from(1, "be a port, a number")]
Network = Annotated[IPv4Network, _NETWORK]
Address = Annotated[IPv4Address, _ADDRESS]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
Egress = Annotated[str, BeforeValidator(_egress)]
Workers = Annotated[tuple[str, ...], BeforeValidator(_workers)]
HostCount = Annotated[int, BeforeValidator(_count)]
InterfaceName = Annotated[str, checked(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", "an interface name")]
HostName = Annotated[str, checked(rf"{_LABEL}(\.{_LABEL})*", "a host name in lower case")]
ImageReference = Annotated[
    str,
    checked(
        r"[a-z0-9][A-Za-z0-9._/:-]{0,254}(@sha256:[0-9a-f]{64})?",
        "an image reference, name:tag, name@sha256:digest or name:tag@sha256:digest",
    ),
]
FilePath = Annotated[str, checked(r"[^-].*", "a file's path")]
UrlPath = Annotated[str, checked(r"/[A-Za-z0-9._~/%?=&-]*", "a URL path that starts with /")]
HealthCommand = Annotated[
    str,
    checked(
        r"[^\"'\\`-][^\"'\\`]*",
        "one line without quotes or backslashes; put anything longer in a script in the image",
    ),
]
PublishAddress = Annotated[IPv4Address | Literal["private", "public", "loopback"], _PUBLISH]
DatabaseAddress = Annotated[IPv4Address | Literal["host-gateway"], _DATABASE]
Command = Annotated[tuple[str, ...], BeforeValidator(_command)]
Ports = Annotated[tuple[InstancePort, ...], BeforeValidator(_distinct)]
ModeName = Annotated[str, BeforeValidator(_mode)]
