"""What somebody else set up on one host, word by word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from facts.foreign_units import ForeignState
from plan.adoption.networks import network_words
from plan.adoption.notes import GENERAL, Notes
from plan.adoption.setups import SCHEDULER, WEB, WORKER, Setup, setups
from plan.adoption.variables import Variable, variable_words, variables
from plan.inventory.settings import KEYS

_EVERYWHERE = ("", "0.0.0.0", "[::]", "::")  # noqa: S104 - compared, not bound
_APP_PORT = 3000
# Anybody else sees a part of all this, or nothing.
NO_ROOT = "the verb does not run as root there"
BECOME_ROOT = "Log in as root, or set _sudo = True in the inventory"


@dataclass(frozen=True)
class Adoption:
    """A host's words, in the order of the settings, and notes by word."""

    host: str
    words: Mapping[str, Any]
    notes: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Place:
    """Where a web instance listens: the host's address and port, and the container's port."""

    port: int
    inside: int | None
    address: str = ""


def adopt(host: str, state: ForeignState) -> Adoption:
    """Return the words that would reproduce what is there, and what could not be told."""
    if not state.root:
        return Adoption(host, {}, {GENERAL: [f"{NO_ROOT}. {BECOME_ROOT}"]})
    items, remarks = setups(state)
    notes = Notes(remarks)
    web: dict[int, dict[str, Any]] = {}
    for setup in (it for it in items if it.kind == WEB):
        # The words of the first speak for all; of the others there is what differs.
        own = Notes() if web else notes
        place, words = setup_words(setup, host, state, own)
        if place is None or not notes.accepted("instances", [place.port], setup.title):
            notes.add("instances", f"{setup.title}: its port could not be told")
        elif web:
            _compare(setup.title, words, next(iter(web.values())), notes)
            web.setdefault(place.port, words)
        else:
            web[place.port] = words
    words = next(iter(web.values()), {})
    if web:
        words = {**words, "instances": sorted(web), **_jobs(items, notes)}
    else:
        observation = "no web instance of the app is there that this deploy did not make"
        notes.add(GENERAL, observation)
    ordered = {key: words[key] for key in KEYS if words.get(key) not in (None, {}, [])}
    return Adoption(host, ordered, notes.by_word)


def setup_words(
    setup: Setup, host: str, state: ForeignState, notes: Notes
) -> tuple[Place | None, dict[str, Any]]:
    """Return where a web instance listens, none if that could not be told, and its words."""
    items = variables(setup, state, notes)
    words = network_words(setup, state, notes)
    place = _place(setup, words.get("network_mode"), items, notes)
    if place and place.inside and words.get("network_mode") != "host":
        words["container_port"] = place.inside
    if place and place.address not in _EVERYWHERE:
        limits = notes.accepted("publish_address", place.address, "PublishPort=")
        words |= {"publish_address": place.address} if limits else {}
    words |= _image(setup, state, notes)
    words |= variable_words(items, setup, state, notes)
    words |= _mounts(setup, host, notes)
    words |= _limits(setup, notes)
    path = re.search(r"https?://[^/\s]+(/[^\s'\"|;&>]*)", setup.value("HealthCmd"))
    if path and notes.accepted("health_path", path[1], "HealthCmd="):
        words["health_path"] = path[1]
    _untold(setup, notes)
    return place, words


def _place(
    setup: Setup, mode: str | None, items: Mapping[str, Variable], notes: Notes
) -> Place | None:
    variable = items["PORT"].value if "PORT" in items else ""
    if mode == "host":
        port = next((it for it in (variable, setup.member) if it.isdecimal()), "")
        return Place(int(port), None) if port else None
    places = []
    for text in setup.values("PublishPort") + setup.options("--publish", "-p"):
        pattern = r"(?:(\[[0-9a-f:]*\]|[0-9.]*|::):)?(\d{1,5}):(\d{1,5})(?:/tcp)?"
        if match := re.fullmatch(pattern, text):
            places.append(Place(int(match[2]), int(match[3]), match[1] or ""))
        else:
            notes.add("instances", f"{setup.title}: the published port {text} could not be told")
    inside = int(variable) if variable.isdecimal() else _APP_PORT
    places.sort(key=lambda place: place.inside != inside)
    for place in places[1:]:
        notes.add("instances", f"{setup.title}: port {place.port} is published, too")
    return places[0] if places else None


def _image(setup: Setup, state: ForeignState, notes: Notes) -> dict[str, Any]:
    image = setup.value("Image")
    if image.endswith(".image"):
        images = [
            entry.value
            for entry in state.entries
            if (entry.section, entry.key) == ("Image", "Image")
            and PurePosixPath(entry.path).name == image
        ]
        image = images[-1] if images else image
    if setup.container and setup.container.image not in {image, f"localhost/{image}"}:
        notes.add("image", f"the container runs {setup.container.image}")
    if image.endswith(":current"):
        notes.add(
            "image",
            "current is no registry's tag, but a name that the app's own tool gives an image: name "
            "the version instead",
        )
    return {"image": image} if notes.accepted("image", image, "Image=") else {}


def _mounts(setup: Setup, host: str, notes: Notes) -> dict[str, Any]:
    files: dict[str, str] = {}
    volumes: dict[str, str] = {}
    for text in setup.values("Volume"):
        source, _, ignored = text.partition(":")
        path, _, options = ignored.partition(":")
        read_only = "ro" in options.split(",")
        if source.startswith("/") and path and read_only:
            is_file = "." in PurePosixPath(source).name.lstrip(".")
            place = f"{host}/{PurePosixPath(source).name}" + ("" if is_file else "/")
            if notes.accepted("files", {path: place}, "Volume="):
                files[path] = place
                notes.add("files", f"{path}: copy {source} from the host to {place} first")
        elif path and re.match(r"[A-Za-z0-9]", source) and not source.endswith(".volume"):
            if notes.accepted("volumes", {**volumes, path: source}, "Volume="):
                volumes[path] = source
                if read_only:
                    notes.add("volumes", f"{path} is read-only there, and writable in a volume")
        else:
            notes.add("volumes", f"Volume={text} is neither a named volume nor a file that is read")
    return {"files": files, "volumes": volumes}


def _limits(setup: Setup, notes: Notes) -> dict[str, Any]:
    memory = [setup.service("MemoryMax"), setup.value("Memory"), *setup.options("--memory", "-m")]
    cpus = setup.options("--cpus")
    quota = re.fullmatch(r"(\d{1,6})%", setup.service("CPUQuota"))
    limits: dict[str, Any] = {
        "memory": next((it.lower() for it in reversed(memory) if it), None),
        "cpus": int(quota[1]) / 100 if quota else None,
        "timezone": setup.value("Timezone") or None,
    }
    if cpus and re.fullmatch(r"\d{1,4}(\.\d+)?", cpus[-1]):
        limits["cpus"] = float(cpus[-1])
    return {
        word: value
        for word, value in limits.items()
        if value is not None and notes.accepted(word, value, setup.title)
    }


def _untold(setup: Setup, notes: Notes) -> None:
    """Note what no word was made of, by the names of the settings."""
    arguments = {argument.partition("=")[0] for argument in setup.values("PodmanArgs")}
    understood = {"--network", "--net", "--publish", "-p", "--add-host", "--memory", "-m", "--cpus"}
    if ignored := sorted(arguments - understood - {"--log-opt", "--log-driver"}):
        notes.add(
            GENERAL, f"{setup.title}: PodmanArgs= has {', '.join(ignored)}, which is left out"
        )
    if setup.value("Exec"):
        notes.add(GENERAL, f"{setup.title}: Exec= is left out: the image's own command is used")


def _jobs(items: Sequence[Setup], notes: Notes) -> dict[str, Any]:
    workers: list[str] = []
    for setup in (it for it in items if it.kind == WORKER):
        name = setup.member.lower() or "worker"
        name = name if re.match(r"[a-z]", name) else f"worker-{name}"
        if notes.accepted("workers", [*workers, name], setup.title):
            workers.append(name)
    scheduler = any(it.kind == SCHEDULER for it in items)
    return {"workers": workers, "scheduler": scheduler or None}


def _compare(title: str, words: Mapping[str, Any], first: Mapping[str, Any], notes: Notes) -> None:
    """Note where an instance differs from the first: a word is for all of a host's instances."""
    for key in sorted(words.keys() | first.keys()):
        own, value = words.get(key), first.get(key)
        if own == value:
            continue
        if isinstance(own, dict) and isinstance(value, dict):
            names = sorted(
                name for name in own.keys() | value.keys() if own.get(name) != value.get(name)
            )
            notes.add(key, f"{title} differs in {', '.join(names)}")
        else:
            notes.add(key, f"{title} {'says nothing of it' if own is None else f'has {own}'}")
