"""The values that the inventory's words may have: types that check themselves.

No value reaches a shell or a unit file unchecked: each is an address, a number, or text of a
pattern without line ends, and none starts with `-`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import BeforeValidator

NetworkMode = Literal["macvlan", "ipvlan", "routed", "direct", "wireguard", "host"]
MODES: tuple[str, ...] = get_args(NetworkMode)

_FIRST_UNPRIVILEGED, _LAST_PORT = 1024, 65535

T = TypeVar("T")


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return the question for a misspelt word, empty if none of the words is close to it."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _checked(pattern: str, what: str) -> BeforeValidator:
    """Return a validator for text that reaches unit files and commands."""
    expression = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or not expression.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return BeforeValidator(check)


def _parsed(parse: Callable[[str], T], what: str) -> BeforeValidator:
    """Return a validator for text that `parse` understands."""

    def check(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError(f"must be {what}")  # noqa: TRY004 - pydantic expects ValueError
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"must be {what}; {error}") from None

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


def _port_from(lowest: int, what: str) -> BeforeValidator:
    def check(value: object) -> int:
        if type(value) is not int or not lowest <= value <= _LAST_PORT:
            raise ValueError(f"must {what} from {lowest} to {_LAST_PORT}")
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
    if value not in MODES:
        raise ValueError(f"must be one of {', '.join(MODES)}{did_you_mean(str(value), MODES)}")
    return value


def _variables(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be a dictionary of variables")  # noqa: TRY004
    for name, text in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"must hold variable names, and {str(name)[:40]!a} is none")
        if not isinstance(text, str) or not text.isprintable():
            raise ValueError(
                f"must hold printable text on one line, and the value of {name} is not"
            )
        if name == "PORT":
            raise ValueError("must leave PORT out: the app is given container_port under that name")
    return value


_SOURCE = r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+"


def _sources(value: object) -> object:
    checked = _variables(value)
    assert isinstance(checked, dict)  # noqa: S101 - for the type checker
    for name, source in checked.items():
        if not re.fullmatch(_SOURCE, source):
            raise ValueError(f"must say env:VARIABLE or file:/path for each, and {name} does not")
    return value


_NETWORK = _parsed(_ipv4_network, "an IPv4 network such as 10.0.0.0/24")
_ADDRESS = _parsed(_ipv4_address, "an IPv4 address such as 10.0.0.10")
_DATABASE = _parsed(
    lambda text: text if text == "host-gateway" else _ipv4_address(text),
    "an IPv4 address such as 10.0.0.10, or host-gateway",
)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

InstancePort = Annotated[int, _port_from(_FIRST_UNPRIVILEGED, "hold unprivileged ports, numbers")]
Port = Annotated[int, _port_from(1, "be a port, a number")]
Network = Annotated[IPv4Network, _NETWORK]
Address = Annotated[IPv4Address, _ADDRESS]
HostCount = Annotated[int, BeforeValidator(_count)]
InterfaceName = Annotated[str, _checked(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", "an interface name")]
HostName = Annotated[str, _checked(rf"{_LABEL}(\.{_LABEL})*", "a host name in lower case")]
ImageReference = Annotated[
    str, _checked(r"[a-z0-9][A-Za-z0-9._/:@-]{0,254}", "an image reference, name:tag")
]
FilePath = Annotated[str, _checked(r"[^-].*", "a file's path")]
UrlPath = Annotated[str, _checked(r"/[A-Za-z0-9._~/%?=&-]*", "a URL path that starts with /")]
HealthCommand = Annotated[
    str,
    _checked(
        r"[^\"'\\`-][^\"'\\`]*",
        "one line without quotes or backslashes; put anything longer in a script in the image",
    ),
]
DatabaseAddress = Annotated[IPv4Address | Literal["host-gateway"], _DATABASE]
Ports = Annotated[tuple[InstancePort, ...], BeforeValidator(_distinct)]
Mode = Annotated[NetworkMode, BeforeValidator(_mode)]
Variables = Annotated[dict[str, str], BeforeValidator(_variables)]
Source = Annotated[str, _checked(_SOURCE, "env:VARIABLE or file:/path")]
Sources = Annotated[dict[str, str], BeforeValidator(_sources)]
