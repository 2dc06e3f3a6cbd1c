"""An inventory's data become settings. Unknown words and bad values are problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, product
from typing import Any

from pydantic import ValidationError

from plan.inventory.mounts import inside
from plan.inventory.settings import KEYS, Settings
from plan.inventory.values import did_you_mean
from plan.problems import PlanError, Problem

# On the machine that runs pyinfra these win over the inventory.
ENVIRONMENT_KEYS = ("network_interface", "network_subnet", "network_gateway")

# Of a bad value, in an error.
_LONGEST_QUOTE = 80
# Values of these may be private: errors name them and never quote them.
_PRIVATE_KEYS = {"environment", "registry_login", "release_secrets", "secrets", "wireguard"}
# Words with parts of their own, which errors name.
_PARTED_KEYS = {"registry_login", "services", "wireguard"}


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
        problems += [*_doubles(host, settings), *_nested(host, settings)]
    if problems:
        raise PlanError(problems)
    return settings


def _doubles(host: str, settings: Settings) -> Iterator[Problem]:
    """Yield variables that two words give a value."""
    words = ("environment", "secrets", "release_secrets")
    for former, latter in combinations(words, 2):
        doubles = sorted(getattr(settings, former).keys() & getattr(settings, latter).keys())
        if doubles:
            observation = f"{', '.join(doubles)} is in {former} too"
            yield Problem(host, latter, observation, "Leave it in one of the two")


def _nested(host: str, settings: Settings) -> Iterator[Problem]:
    """Yield files that would be in a volume, and volumes among files."""
    for file, volume in product(settings.files, settings.volumes):
        if inside(file, volume) or inside(volume, file):
            observation = f"{volume} and {file} of files are one in the other"
            yield Problem(host, "volumes", observation, "Choose paths that do not meet")


def _problems(
    host: str, error: ValidationError, values: Mapping[str, Any], variables: Mapping[str, str]
) -> list[Problem]:
    """Return one problem per place: a union reports each of its branches, one is enough."""
    problems: dict[str, Problem] = {}
    for detail in error.errors():
        key, *steps = detail["loc"]
        key = str(key)
        place = "".join(map(_step, steps)) if key in _PARTED_KEYS else ""
        name = place.lstrip(".")
        if detail["type"] == "missing":
            observation, advice = _missing(name)
        else:
            message = detail["msg"].removeprefix("Value error, ")
            advice = f"It {message}" if detail["type"] == "value_error" else message
            observation = _observation(key, name, detail["input"] if name else values[key])
        problem = Problem(host, variables.get(key, key), observation, advice)
        problems.setdefault(f"{key}{place}", problem)
    return list(problems.values())


def _observation(key: str, name: str, value: object) -> str:
    """Return what was seen of a word, or of a part of it by its name."""
    if key in _PRIVATE_KEYS:
        return f"{name} cannot be used as it is".lstrip()
    return f"{f'{name}: ' if name else ''}{_shown(value)} was given"


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
    return f".{part}" if re.fullmatch(r"[a-z_][a-z0-9_-]{0,23}", part) else ".…"


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."
