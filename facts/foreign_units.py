"""The app as somebody else set it up on a host: unit files, containers and networks.

One command reads it all. Nothing that may be secret leaves the host: `host/foreign.awk` says which
values are told, and of the variables of containers there are the names alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import names
from facts.foreign_podman import FOREIGN_PODMAN, ForeignPodman
from facts.reading import ScriptFact, filled, script
from facts.shim import SHIM, Shim
from facts.values import Readable

_PROGRAM = Path(__file__).parents[1] / "host/foreign.awk"

# Stands for a value, or a part of one, that may be secret and stayed on the host.
HIDDEN = "***"

# `find` follows no link to a directory here, so the deploy's own Quadlets are not among these.
_QUESTION = r"""
program=@PROGRAM@
places='@QUADLET_HOME@ /usr/share/containers/systemd /run/containers/systemd'
unit_files() {
  find $places -xtype f \( -name '*.container' -o -name '*.network' -o -name '*.image' \
    -o -name '*.volume' -o -path '*.d/*.conf' \) -exec awk "$program" kind=unit {} +
  find @SYSTEMD_HOME@ -maxdepth 1 -type f -name '@INSTANCE@*.service' \
    -exec awk "$program" kind=unit {} +
}
told=$(unit_files 2>/dev/null)
environments() {
  printf '%s\n' "$told" | awk -F '\t' '$4 == "EnvironmentFile" { print $5 }' |
    sed 's/^-//; s/%[iI]/*/g' | sort -u | {
      IFS=
      while read -r pattern; do
        for file in $pattern; do
          [ ! -f "$file" ] || awk "$program" kind=environment "$file"
        done
      done
    }
}
variables=$(environments 2>/dev/null)
resolved() {
  printf '%s\n%s\n' "$told" "$variables" |
    sed -n 's#.*://\([^/@]*@\)\{0,1\}\([A-Za-z0-9][A-Za-z0-9.-]*\).*#\2#p' | sort -u |
    while read -r name; do
      address=$(getent ahostsv4 "$name" | awk '{ print $1; exit }')
      [ -z "$address" ] || echo "$name $address"
    done
}
say root id -u
say files printf '%s\n' "$told"
say variables printf '%s\n' "$variables"
say resolved resolved
say units systemctl show --all \
  --property=Id,ActiveState,SourcePath,FragmentPath '@INSTANCE@*.service'
"""


@dataclass(frozen=True)
class Entry(Readable):
    """One assignment of a unit file; what may be secret in its value is `HIDDEN`."""

    path: str
    section: str
    key: str
    value: str


@dataclass(frozen=True)
class ForeignState(Readable):
    """What somebody else set up.

    + root: the question ran as root; if not, there is more than it says
    + entries: of unit files, each file's in its order
    + environments: what variables hold, by the path of their file
    + units: active state by unit
    + resolved: what the host resolves the names in addresses (URLs) to
    """

    root: bool
    entries: tuple[Entry, ...]
    environments: Mapping[str, Mapping[str, str]]
    units: Mapping[str, str]
    podman: ForeignPodman
    resolved: Mapping[str, IPv4Address]
    shim: Shim | None


class ForeignUnits(ScriptFact[ForeignState]):
    """Read what somebody else set up."""

    def command(self) -> str:
        """Return the script; it changes nothing on the host."""
        words = {"PROGRAM": shlex.quote(_PROGRAM.read_text())}
        return script(filled(_QUESTION, words) + FOREIGN_PODMAN.script + SHIM.script)

    def read(self, answers: Mapping[str, str]) -> ForeignState:
        """Parse the answers; `ValueError` on nonsense."""
        environments: dict[str, dict[str, str]] = {}
        for _, path, _, name, value in _fields(answers["variables"]):
            environments.setdefault(path, {})[name] = value
        return ForeignState(
            root=answers["root"].strip() == "0",
            entries=tuple(Entry(*fields[1:]) for fields in _fields(answers["files"])),
            environments=environments,
            units=_units(answers["units"]),
            podman=FOREIGN_PODMAN.parse(answers),
            resolved={
                name: IPv4Address(address)
                for name, address in (line.split() for line in answers["resolved"].splitlines())
            },
            shim=SHIM.parse(answers),
        )


def _fields(text: str) -> Iterator[list[str]]:
    # By line feeds alone: values may hold other characters that end lines.
    for line in filter(None, text.split("\n")):
        fields = line.split("\t", 4)
        if len(fields) < 5:  # noqa: PLR2004 - kind, path, section, key, value
            raise ValueError(f"{line[:40]!a} is no assignment")
        yield fields


def _units(text: str) -> dict[str, str]:
    """Return active states by unit; those that come from the deploy's own files are left out."""
    units = {}
    for block in text.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        source = fields.get("SourcePath") or fields.get("FragmentPath", "")
        own = source.startswith(f"{names.QUADLET_HOME}/{names.INSTANCE}/") or source in names.LINKS
        if "Id" in fields and not own:
            units[fields["Id"]] = fields.get("ActiveState", "")
    return units
