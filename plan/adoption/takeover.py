"""What somebody else runs, and the next deploy takes over port by port: what of it can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from facts.foreign_units import ForeignState
from names import INSTANCE
from plan.adoption.networks import network_files
from plan.adoption.notes import Notes
from plan.adoption.setups import WEB, Setup, setups
from plan.adoption.words import BECOME_ROOT, NO_ROOT, setup_words
from plan.inventory.settings import Settings
from plan.problems import PlanError, Problem

# Both come to a file that the host's programs read by lines and words.
_UNIT = re.compile(r"[A-Za-z0-9_-]+(@[A-Za-z0-9_-]+)?\.service")
_PATH = re.compile(r"(/[A-Za-z0-9._@-]+)+")


@dataclass(frozen=True)
class Takeover:
    """Somebody else's units, by port, and what they are made from.

    + units: those that give way one after the other
    + together: those that the deploy's own cannot be beside, since they have their names, or
      networks of their own: they stop all at once
    + networks: the Podman networks of the latter
    """

    units: dict[int, str]
    files: tuple[str, ...]
    together: dict[int, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The lines that the host's programs read."""
        lines = [
            *(f"unit {port} {unit}" for port, unit in sorted(self.units.items())),
            *(f"together {port} {unit}" for port, unit in sorted(self.together.items())),
            *(f"network {name}" for name in self.networks),
            *(f"file {path}" for path in self.files),
        ]
        return "".join(f"{line}\n" for line in lines)


def plan_takeover(host: str, settings: Settings, state: ForeignState) -> Takeover:
    """Return what is to be taken over; raise `PlanError` with all that cannot be."""
    if not state.root:
        raise PlanError([Problem(host, "ssh_user", NO_ROOT, BECOME_ROOT)])
    units: dict[int, str] = {}
    together: dict[int, str] = {}
    files: set[str] = set()
    networks: set[str] = set()
    problems: list[Problem] = []
    for setup in (it for it in setups(state)[0] if it.kind == WEB):
        place, words = setup_words(setup, host, state, Notes())
        unit = f"{setup.title}.service"
        if problem := _obstacle(setup, unit):
            problems.append(Problem(host, "adopt", *problem))
        elif place is None or place.port not in settings.instances:
            ports = ", ".join(map(str, settings.instances))
            observation = f"{unit} has {f'port {place.port}' if place else 'no port that is told'}"
            problems.append(
                Problem(
                    host,
                    "instances",
                    f"{observation}, and the inventory has {ports}",
                    "Add the port, or stop that unit yourself",
                )
            )
        elif words.get("network_mode") == "host" and not setup.title.startswith(f"{INSTANCE}@"):
            units[place.port] = unit
            files |= set(_files(setup))
        else:
            together[place.port] = unit
            files |= set(_files(setup))
            for path, name in network_files(setup, state):
                files.add(path)
                networks.add(name)
    if not units and not together and not problems:
        problems.append(
            Problem(
                host,
                "adopt",
                "no web instance of the app is there that this deploy did not make",
                "There is nothing to take over: deploy",
            )
        )
    if problems:
        raise PlanError(problems)
    return Takeover(units, tuple(sorted(files)), together, tuple(sorted(networks)))


def _obstacle(setup: Setup, unit: str) -> tuple[str, str] | None:
    """Return why a container cannot be taken over, and what to do, if so."""
    if not setup.path:
        return (
            f"the container {setup.title} has no unit file, so nothing could start it again",
            f"Stop it yourself before the deploy: podman rm --force {setup.title}",
        )
    if not _UNIT.fullmatch(unit) or not all(map(_PATH.fullmatch, _files(setup))):
        return (
            f"{unit} has a name, or a file, of characters that are not passed on",
            "Stop it yourself before the deploy",
        )
    return None


def _files(setup: Setup) -> Iterator[str]:
    """Yield the files that make a container's unit, and no other's."""
    stem = setup.title.partition("@")[0]
    for path in dict.fromkeys([setup.path, *(entry.path for entry in setup.entries)]):
        directory = PurePosixPath(path).parent.name
        if path == setup.path or directory.startswith((f"{stem}@", f"{stem}.container")):
            yield path
