"""Which Podman secret holds which value: one that changes becomes a new secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

from facts.installed import InstalledState
from names import SECRET_PREFIX
from plan.model import Secret
from plan.release.render import digest

_NAME = re.compile(rf"{SECRET_PREFIX}(.+)-(\d+)")
_NAMED = re.compile(r"^Secret=([^,\n]+)", re.MULTILINE)


def numbered(host: str, values: Mapping[str, str], installed: InstalledState) -> tuple[Secret, ...]:
    """Return the secrets: those that the host has with these values, else of the next number.

    A number that the current release names is taken, even where its secret is gone.
    """
    text = "\n".join(installed.release.secret_lines)
    configs: dict[str, str | None] = dict.fromkeys(_NAMED.findall(text))
    configs |= {name: secret.config for name, secret in installed.podman.secrets.items()}
    digests: dict[str, dict[int, str | None]] = {}
    for name, config in configs.items():
        if match := _NAME.fullmatch(name):
            digests.setdefault(match[1], {})[int(match[2])] = config
    secrets = []
    for variable, value in sorted(values.items()):
        numbers = digests.get(variable, {})
        own = digest([host, variable, value])
        matching = [number for number, config in numbers.items() if config == own]
        number = max(matching) if matching else max(numbers, default=0) + 1
        secrets.append(Secret(variable, value, own, number))
    return tuple(secrets)
