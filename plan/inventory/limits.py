"""The values of the words that limit a container: what it may do, and how much it may use."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from plan.inventory.values import checked

# What the kernel calls them, without CAP_; capabilities(7).
_CAPABILITY = re.compile(r"[A-Z][A-Z0-9_]{2,30}")
_FEWEST_PROCESSES, _MOST_PROCESSES = 16, 1 << 22
_MOST_CPUS = 4096


def _capabilities(value: object) -> tuple[object, ...]:
    description = "must be a list of the kernel's capabilities, such as NET_BIND_SERVICE"
    if not isinstance(value, list | tuple):
        raise ValueError(description)  # noqa: TRY004 - pydantic expects ValueError
    for name in value:
        if not isinstance(name, str) or not _CAPABILITY.fullmatch(name) or name[:4] == "CAP_":
            raise ValueError(f"{description}, without CAP_; all of them is no list")
    return tuple(value)


def _processes(value: object) -> int:
    if type(value) is not int or not _FEWEST_PROCESSES <= value <= _MOST_PROCESSES:
        raise ValueError(
            f"must be a number of processes from {_FEWEST_PROCESSES} to {_MOST_PROCESSES}"
        )
    return value


def _cpus(value: object) -> float:
    if type(value) not in {int, float} or not 0 < float(str(value)) <= _MOST_CPUS:
        raise ValueError("must be a number of CPUs such as 2 or 1.5")
    return float(str(value))


def _starts(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("must be a number of starts within ten minutes, 1 or more")
    return value


Capabilities = Annotated[tuple[str, ...], BeforeValidator(_capabilities)]
Processes = Annotated[int, BeforeValidator(_processes)]
Cpus = Annotated[float, BeforeValidator(_cpus)]
Starts = Annotated[int, BeforeValidator(_starts)]
Memory = Annotated[str, checked(r"[1-9][0-9]{0,8}[kmg]", "a size such as 512m or 2g")]
_AREA = r"[A-Z][A-Za-z0-9_+-]*"
# Podman reads the file of that name: the pattern keeps it from naming one elsewhere.
Timezone = Annotated[str, checked(rf"{_AREA}(/{_AREA}){{0,2}}", "a time zone, as Europe/Vienna")]
