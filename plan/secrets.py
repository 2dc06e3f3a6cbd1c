"""Which Podman secret holds which value: one that changes becomes a new secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

from facts.installed import InstalledState
from plan.model import Secret
from plan.render import digest

_NAME = re.compile(r"onetime-(.+)-(\d+)")
_NAMED = re.compile(r"^Secret=([^,\n]+)", re.MULTILINE)


def numbered(host: str, values: Mapping[str, str], installed: InstalledState) -> tuple[Secret, ...]:
    """Return the secrets: those that the host has with these values, else of the next number.

    A number that the current release names is taken, even where its secret is gone.
    """
    text = "".join(entry.content or "" for entry in installed.release.values())
    configs: dict[str, str | None] = dict.fromkeys(_NAMED.findall(text))
    configs |= {name: secret.config for name, secret in installed.secrets.items()}
    there: dict[str, dict[int, str | None]] = {}
    for name, found in configs.items():
        if match := _NAME.fullmatch(name):
            there.setdefault(match[1], {})[int(match[2])] = found
    secrets = []
    for variable, value in sorted(values.items()):
        config = digest([host, variable, value])
        known = there.get(variable, {})
        same = [number for number, other in known.items() if other == config]
        number = max(same) if same else max(known, default=0) + 1
        secrets.append(Secret(variable, value, config, number))
    return tuple(secrets)
