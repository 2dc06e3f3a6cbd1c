"""The deploy's units and what makes them: links, generated units, files of somebody else's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import names
from facts.reading import Part
from facts.values import Readable

_NETWORKS = (names.PRIVATE_NETWORK, names.PUBLISH_NETWORK)
_KINDS = (names.INSTANCE, names.SIDECAR, names.JOB)
_GENERATED = (*(names.unit(kind, "*") for kind in _KINDS), *map(names.network_unit, _NETWORKS))
_QUADLETS = (*(f"{network}.*" for network in _NETWORKS), *(f"{kind}@*" for kind in _KINDS))


def _any_name(patterns: Iterable[str]) -> str:
    """Return the test of `find` for names of any of the patterns."""
    return " -o ".join(f"-name {shlex.quote(pattern)}" for pattern in patterns)


_QUESTION = r"""
links() {
  for link in @LINKED@; do
    [ -L "$link" ] && echo "$link $(readlink "$link")"
  done
}
foreign() {
  find @QUADLET_HOME@ /usr/share/containers/systemd /run/containers/systemd -maxdepth 1 \
    \( @QUADLET_NAMES@ -o -name @INSTANCE@ ! -type l \)
  find @SYSTEMD_HOME@ -maxdepth 1 -type f \( @GENERATED_NAMES@ \)
}
loaded() { cd @GENERATED@ && sed -n 's/^SourcePath=//p' @GENERATED_UNITS@; }
say units systemctl show --property=Id,ActiveState @UNITS@
say links links
say foreign foreign
say loaded loaded
say adopting cat @ADOPTING@
"""


@dataclass(frozen=True)
class SystemdState(Readable):
    """What systemd knows of the deploy.

    + units: active state by unit
    + links: where the links lead that make a release live
    + loaded: the files that systemd's generated units came from
    + foreign: files under names of the deploy's that it did not make
    + adopting: somebody else's units that the next change takes over, by port
    + adopting_networks: their Podman networks, which go with them
    """

    units: Mapping[str, str]
    links: Mapping[str, str]
    loaded: frozenset[str]
    foreign: tuple[str, ...]
    adopting: Mapping[int, str]
    adopting_networks: frozenset[str] = frozenset()


def _parse(answers: Mapping[str, str]) -> SystemdState:
    pairs = [line.split(" ", 1) for line in answers["adopting"].splitlines() if " " in line]
    adopted = {value for kind, value in pairs if kind == "file"}
    return SystemdState(
        units=_units(answers["units"]),
        links=dict(line.split(maxsplit=1) for line in answers["links"].splitlines()),
        loaded=frozenset(answers["loaded"].split()),
        foreign=tuple(path for path in answers["foreign"].splitlines() if path not in adopted),
        adopting={
            int(port): unit
            for port, unit in re.findall(
                r"^(?:unit|together) (\d{1,5}) (\S+)$", answers["adopting"], re.ASCII | re.MULTILINE
            )
        },
        adopting_networks=frozenset(value for kind, value in pairs if kind == "network"),
    )


def _units(text: str) -> dict[str, str]:
    """Return unit name and active state from the blocks of `systemctl show`."""
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    ]
    try:
        return {block["Id"]: block["ActiveState"] for block in blocks if block}
    except KeyError as error:
        raise ValueError(f"systemctl show leaves out {error}") from None


SYSTEMD = Part(
    _QUESTION,
    _parse,
    {
        "LINKED": " ".join((names.CURRENT, *names.LINKS)),
        "UNITS": " ".join(
            (
                *(shlex.quote(names.unit(kind, "*")) for kind in _KINDS),
                names.HOST_UNIT,
                names.FIREWALL_UNIT,
            )
        ),
        "QUADLET_NAMES": _any_name(_QUADLETS),
        "GENERATED_NAMES": _any_name(_GENERATED),
        "GENERATED_UNITS": " ".join(_GENERATED),
    },
)
