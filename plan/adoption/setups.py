"""The containers of the app that somebody else set up, each with the settings it starts with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from facts.foreign_podman import ForeignContainer
from facts.foreign_units import HIDDEN, Entry, ForeignState

WEB, WORKER, SCHEDULER = "web", "worker", "scheduler"
# What the recipe and the app's own tool call their Quadlets, whatever image they start.
_STEMS = ("onetime@", "onetime-web@", "onetime-worker@", "onetime-scheduler@")
_CONTAINER, _SERVICE = "Container", "Service"


@dataclass(frozen=True)
class Setup:
    """One container of the app, and what its unit file and drop-ins say; `%i` is filled in.

    + title: how the operator calls it
    + path: where its settings stand; empty for a container that no unit file was found for
    + member: what comes after the @, empty without one
    + container: the live one, if there is any
    """

    title: str
    path: str
    kind: str
    member: str
    entries: tuple[Entry, ...]
    container: ForeignContainer | None

    def values(self, key: str, section: str = _CONTAINER) -> list[str]:
        """Return all values of a key, in their order; an empty one takes back those before it."""
        values: list[str] = []
        for entry in self.entries:
            if (entry.section, entry.key) == (section, key):
                values = [*values, entry.value] if entry.value else []
        return values

    def value(self, key: str, section: str = _CONTAINER) -> str:
        """Return the last value of a key, empty without one."""
        return (self.values(key, section) or [""])[-1]

    def service(self, key: str) -> str:
        """Return the last value of a key of the unit's own section `Service`."""
        return self.value(key, _SERVICE)

    def options(self, *names: str) -> list[str]:
        """Return the values of options that are passed to Podman itself."""
        pairs = (argument.partition("=") for argument in self.values("PodmanArgs"))
        return [value for name, _, value in pairs if name in names]


def setups(state: ForeignState) -> tuple[list[Setup], list[str]]:
    """Return the containers of the app, by title, and a sentence for each unit that is left out."""
    files: dict[str, list[Entry]] = {}
    for entry in state.entries:
        files.setdefault(entry.path, []).append(entry)
    by_title: dict[str, Setup] = {}
    remarks: list[str] = []
    for path in sorted(files):
        if not path.endswith(".container"):
            continue
        name = PurePosixPath(path).name.removesuffix(".container")
        image = _last(files[path], "Image")
        if "onetime" not in image and f"{name.partition('@')[0]}@" not in _STEMS:
            if name.startswith("onetime"):
                remarks.append(f"{path} starts {image or 'no image'}, which is not the app's")
            continue
        members = list(_members(name, files[path], state))
        if not members:
            remarks.append(f"{path} is a template of which no instance is there")
        for member in members:
            setup = _from_quadlet(name, member, path, files, state)
            by_title[setup.title] = setup
    running = {setup.container.name for setup in by_title.values() if setup.container}
    for container in state.podman.containers:
        is_app = "onetime" in container.image or container.name.startswith("onetime")
        if is_app and container.name not in running:
            by_title[container.name] = _from_container(container)
    return [by_title[title] for title in sorted(by_title)], remarks


def _members(name: str, entries: Iterable[Entry], state: ForeignState) -> Iterator[str]:
    """Yield the instances of a Quadlet: those of a template that have a unit; else its own."""
    stem, at, own = name.partition("@")
    if not at or own:
        yield own
        return
    pattern = re.compile(rf"{re.escape(stem)}@(.+)\.service")
    units = {match[1] for match in map(pattern.fullmatch, sorted(state.units)) if match}
    default = _last((entry for entry in entries if entry.section == "Install"), "DefaultInstance")
    yield from sorted(units | ({default} if default else set()))


def _last(entries: Iterable[Entry], key: str) -> str:
    return ([""] + [entry.value for entry in entries if entry.key == key])[-1]


def _from_quadlet(
    name: str, member: str, path: str, files: dict[str, list[Entry]], state: ForeignState
) -> Setup:
    stem, at, _ = name.partition("@")
    title = f"{stem}{at}{member}"
    sources = [path, *_drop_ins(f"{stem}{at}", title, files)]
    entries = tuple(
        Entry(entry.path, entry.section, entry.key, filled(entry.value, member))
        for source in sources
        for entry in files[source]
    )
    setup = Setup(title, path, _kind(stem, entries), member, entries, None)
    # Podman's own name for it, where the file gives none.
    names = {setup.value("ContainerName"), f"systemd-{stem}_{member}" if at else f"systemd-{stem}"}
    names.add(f"systemd-{title}")
    live = next((it for it in state.podman.containers if it.name in names), None)
    return Setup(title, path, setup.kind, member, entries, live)


def _drop_ins(template: str, title: str, files: Iterable[str]) -> list[str]:
    """Return the drop-ins of a Quadlet as systemd takes them: by name, the nearest directory's."""
    parts = template.rstrip("@").split("-")
    prefixes = ["-".join(parts[:count]) + "-" for count in range(1, len(parts))]
    chosen: dict[str, str] = {}
    for directory in ("", *prefixes, template, title):
        end = f"{directory}.container.d" if directory else "container.d"
        for path in sorted(files):
            if PurePosixPath(path).parent.name == end:
                chosen[PurePosixPath(path).name] = path
    return [chosen[name] for name in sorted(chosen)]


def _kind(stem: str, entries: Iterable[Entry]) -> str:
    command = _last(entries, "Exec")
    for kind in (WORKER, SCHEDULER):
        if stem.endswith(f"-{kind}") or re.search(rf"\bots {kind}\b", command):
            return kind
    return WEB


def _from_container(container: ForeignContainer) -> Setup:
    """Return what Podman tells of a container that no unit file was found for."""
    networks = [container.mode] if container.mode == "host" else sorted(container.networks)
    pairs = [
        ("Image", container.image),
        *(("Network", name) for name in networks),
        *(
            ("PublishPort", f"{port.address}:{port.outside}:{port.inside}")
            for port in container.ports
        ),
        *(("Environment", f"{name}={HIDDEN}") for name in sorted(container.variables)),
    ]
    entries = tuple(Entry("", _CONTAINER, key, value) for key, value in pairs)
    port = re.search(r"(?:^|\D)(\d{4,5})$", container.name)
    kind = next((it for it in (WORKER, SCHEDULER) if it in container.name), WEB)
    return Setup(container.name, "", kind, port[1] if port else "", entries, container)


def filled(text: str, member: str) -> str:
    """Return text of a unit file with the instance's name in place of its specifiers."""
    values = {"%i": member, "%I": member, "%%": "%"}
    return re.sub(r"%[iI%]", lambda match: values[match[0]], text)
