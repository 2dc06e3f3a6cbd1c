"""The inventory's words: read, checked and typed. Unknown words and bad values are problems."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from plan.problems import PlanError, Problem

NetworkMode = Literal["macvlan", "ipvlan", "routed", "direct", "wireguard", "host"]
MODES: tuple[str, ...] = get_args(NetworkMode)

# On the machine that runs pyinfra these win over the inventory.
ENVIRONMENT_KEYS = ("network_interface", "network_subnet", "network_gateway")

# Values of these may be private: errors name them and never quote them.
_PRIVATE_KEYS = {"environment", "secrets", "wireguard"}
_FIRST_UNPRIVILEGED, _LAST_PORT = 1024, 65535

T = TypeVar("T")


def _checked(pattern: str, what: str) -> BeforeValidator:
    """Return a validator for text that reaches unit files and commands."""
    expression = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not expression.fullmatch(value):
            raise ValueError(f"is {what}")
        return value

    return BeforeValidator(check)


def _parsed(parse: Callable[[str], T], what: str) -> BeforeValidator:
    """Return a validator for text that `parse` understands."""

    def check(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError(f"is {what}")  # noqa: TRY004 - pydantic expects ValueError
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"is {what}; {error}") from None

    return BeforeValidator(check)


def _port_from(lowest: int, what: str) -> BeforeValidator:
    def check(value: object) -> int:
        if type(value) is not int or not lowest <= value <= _LAST_PORT:
            raise ValueError(f"is {what} from {lowest} to {_LAST_PORT}")
        return value

    return BeforeValidator(check)


def _distinct(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("is a list of ports, at least one; teardown.py removes a whole host")
    doubles = sorted({port for port in value if value.count(port) > 1}, key=str)
    if doubles:
        raise ValueError(f"names each port once, and {doubles} more than once")
    return tuple(value)


def _mode(value: object) -> object:
    if value not in MODES:
        raise ValueError(f"is one of {', '.join(MODES)}{_did_you_mean(str(value), MODES)}")
    return value


def _variables(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("is a dictionary of variables")  # noqa: TRY004
    for name, text in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"holds variable names, and {str(name)[:40]!a} is none")
        if not isinstance(text, str) or not text.isprintable():
            raise ValueError(f"holds printable text on one line, and the value of {name} is not")
    return value


def _sources(value: object) -> object:
    checked = _variables(value)
    assert isinstance(checked, dict)  # noqa: S101 - for the type checker
    for name, source in checked.items():
        if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+", source):
            raise ValueError(f"says env:VARIABLE or file:/path for each, and {name} does not")
    return value


_NETWORK = _parsed(IPv4Network, "an IPv4 network such as 10.0.0.0/24")
_ADDRESS = _parsed(IPv4Address, "an IPv4 address such as 10.0.0.10")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

InstancePort = Annotated[int, _port_from(_FIRST_UNPRIVILEGED, "an unprivileged port")]
Port = Annotated[int, _port_from(1, "a port")]
Network = Annotated[IPv4Network, _NETWORK]
Address = Annotated[IPv4Address, _ADDRESS]
InterfaceName = Annotated[str, _checked(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", "an interface name")]
HostName = Annotated[str, _checked(rf"{_LABEL}(\.{_LABEL})*", "a host name in lower case")]
ImageReference = Annotated[
    str, _checked(r"[a-z0-9][A-Za-z0-9._/:@-]{0,254}", "an image reference, name:tag")
]
FilePath = Annotated[str, _checked(r"[^\x00-\x1f\x7f-][^\x00-\x1f\x7f]*", "a file's path")]
UrlPath = Annotated[str, _checked(r"/[A-Za-z0-9._~/%?=&-]*", "a URL path that starts with /")]
HealthCommand = Annotated[
    str,
    _checked(
        r"[^\x00-\x1f\x7f\"'\\`-][^\x00-\x1f\x7f\"'\\`]*",
        "one line without quotes or backslashes; put anything longer in a script in the image",
    ),
]


class Settings(BaseModel):
    """One host's settings; the words and their meaning are in `group_data/all.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    instances: Annotated[tuple[InstancePort, ...], BeforeValidator(_distinct)]
    network_mode: Annotated[NetworkMode, BeforeValidator(_mode)]
    network_interface: InterfaceName | None
    network_subnet: Network | None
    network_gateway: Address | None
    container_range: Network | None
    publish_subnet: Network
    publish_address: Address | None
    routed_nat: bool
    shim: bool
    shim_address: Address | None
    db_host: HostName
    db_address: Address | Literal["host-gateway"] | None
    db_port: Port
    image: ImageReference
    image_archive: FilePath | None
    container_port: Port
    environment: Annotated[dict[str, str], BeforeValidator(_variables)]
    secrets: Annotated[dict[str, str], BeforeValidator(_sources)]
    health_path: UrlPath
    health_command: HealthCommand
    wireguard: dict[str, Any] | None

    @property
    def own_range(self) -> IPv4Network | None:
        """The part of the private subnet that the mode takes for this host's containers, if any."""
        return self.container_range if self.network_mode in {"macvlan", "ipvlan"} else None


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
    known = {*KEYS, *ignored}
    problems = [
        Problem(
            host,
            key,
            "the deploy knows no such key",
            f"Correct or remove it{_did_you_mean(key, KEYS)}; "
            "data of your own goes under a name that starts with _",
        )
        for key in data
        if key not in known and not key.startswith("_")
    ]
    values = {key: data[key] for key in KEYS if key in data}
    variables = {key: key.upper() for key in ENVIRONMENT_KEYS if environ.get(key.upper())}
    values |= {key: environ[variable] for key, variable in variables.items()}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += _problems(host, error, values, variables)
    if problems:
        raise PlanError(problems)
    return settings


def _problems(
    host: str, error: ValidationError, values: Mapping[str, Any], variables: Mapping[str, str]
) -> list[Problem]:
    """Return one problem per key: a union reports each of its branches, one is enough."""
    problems: dict[str, Problem] = {}
    for detail in error.errors():
        key = str(detail["loc"][0])
        if detail["type"] == "missing":
            seen, advice = "is missing", "group_data/all.py of the checkout sets it: run from there"
        else:
            message = detail["msg"].removeprefix("Value error, ")
            advice = f"It {message}" if detail["type"] == "value_error" else message
            seen = (
                "holds what it cannot hold"
                if key in _PRIVATE_KEYS
                else f"{_shown(values[key])} was given"
            )
        problems.setdefault(key, Problem(host, variables.get(key, key), seen, advice))
    return list(problems.values())


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004


def _did_you_mean(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
