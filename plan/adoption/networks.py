"""The words of the network, from the networks that containers are on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import PurePosixPath
from typing import Any

from facts.foreign_units import ForeignState
from plan.adoption.notes import Notes
from plan.adoption.setups import Setup

_LINKS = ("macvlan", "ipvlan")
_BRIDGES = ("", "bridge", "pasta", "slirp4netns")


@dataclass(frozen=True)
class _Definition:
    """A network as its file or Podman tells it; what is not told is empty."""

    source: str
    driver: str = "bridge"
    parent: str = ""
    subnet: str = ""
    gateway: str = ""
    leases: str = ""


def network_words(setup: Setup, state: ForeignState, notes: Notes) -> dict[str, Any]:
    """Return the mode of a container's networks, and the words that go with it."""
    names = setup.values("Network") + setup.options("--network", "--net")
    if "host" in names:
        return {"network_mode": "host"}
    definitions = [
        definition
        for definition in (_definition(name.partition(":")[0], state, notes) for name in names)
        if definition
    ]
    link = next((it for it in definitions if it.driver in _LINKS), None)
    if link:
        return {"network_mode": link.driver, **_card(link, state, notes)}
    shared = [name for name in names if name.startswith("container:") or ".container" in name]
    if shared:
        notes.add(
            "network_mode",
            f"{setup.title} shares the network of another container ({shared[0]}), a tunnel's "
            "perhaps: docs/modes.md says what the wireguard mode needs",
        )
        return {}
    notes.add(
        "network_mode",
        f"{setup.title} is on a bridge; routed is the mode for a database behind the private card, "
        "and direct for any other way of the host's",
    )
    return {"network_mode": "direct"}


def network_files(setup: Setup, state: ForeignState) -> Iterator[tuple[str, str]]:
    """Yield the unit files of a container's networks, each with the name that Podman has for it."""
    names = setup.values("Network") + setup.options("--network", "--net")
    for unit in (name.partition(":")[0] for name in names):
        if not unit.endswith(".network"):
            continue
        own = [entry for entry in state.entries if _belongs(entry.path, unit)]
        given = [entry.value for entry in own if entry.key == "NetworkName"]
        live_name = (given or [f"systemd-{unit.removesuffix('.network')}"])[-1]
        for path in dict.fromkeys(entry.path for entry in own):
            yield path, live_name


def _belongs(path: str, unit: str) -> bool:
    """Tell whether a file is that of a unit, or one of its drop-ins."""
    file = PurePosixPath(path)
    return unit in {file.name, file.parent.name.removesuffix(".d")}


def _definition(name: str, state: ForeignState, notes: Notes) -> _Definition | None:
    """Return a network by the name that a unit file has for it, none if it is not known."""
    if name in _BRIDGES:
        return _Definition(name)
    if name.endswith(".container") or name in {"container", "none"}:
        return None
    entries: list[tuple[str, str]] = []
    source, live_name = name, name
    if name.endswith(".network"):
        live_name = f"systemd-{name.removesuffix('.network')}"
        for entry in state.entries:
            if entry.section == "Network" and _belongs(entry.path, name):
                entries.append((entry.key, entry.value))
                source = entry.path
    values = dict(entries)
    live = state.podman.networks.get(values.get("NetworkName") or live_name)
    if not entries and live is None:
        notes.add("network_mode", f"the network {name} is not there")
        return None
    options = [
        option.partition("=")
        for key, value in entries
        if key == "Options"
        for option in value.split(",")
    ]
    parent = next((value for key, _, value in options if key == "parent"), "")
    start_end = live.lease_range if live else None
    return _Definition(
        source=source,
        driver=values.get("Driver") or (live.driver if live else "bridge"),
        parent=parent or (live.parent if live else ""),
        subnet=values.get("Subnet") or (live.subnet if live else ""),
        gateway=values.get("Gateway") or (live.gateway if live else ""),
        leases=values.get("IPRange") or (_range(*start_end) if start_end else ""),
    )


def _range(first: IPv4Address, last: IPv4Address) -> str:
    """Return the smallest network that holds both addresses."""
    network = IPv4Network(first)
    while last not in network:
        network = network.supernet()
    return str(network)


def _card(network: _Definition, state: ForeignState, notes: Notes) -> Mapping[str, Any]:
    detected = {
        "network_interface": network.parent,
        "network_subnet": network.subnet,
        "network_gateway": network.gateway,
        "container_range": network.leases,
    }
    words: dict[str, Any] = {
        word: value
        for word, value in detected.items()
        if value and notes.accepted(word, value, network.source)
    }
    if not network.leases:
        taken = ", ".join(_taken(network.driver, state)) or "none now"
        notes.add(
            "container_range",
            f"{network.source} has no IPRange=, so Podman hands out addresses from the start of "
            f"the subnet ({taken}). Choose a range of {network.subnet or 'the private subnet'} "
            "that nothing else uses, another on each host",
        )
    return words | _shim(network, words, state, notes)


def _taken(driver: str, state: ForeignState) -> list[str]:
    """Return the addresses that containers have on networks of a kind."""
    networks = {name for name, network in state.podman.networks.items() if network.driver == driver}
    pairs = (pair for it in state.podman.containers for pair in it.networks.items())
    return sorted({address for name, address in pairs if name in networks and address})


def _shim(
    network: _Definition, words: Mapping[str, Any], state: ForeignState, notes: Notes
) -> dict[str, Any]:
    shim = state.shim
    if shim is None or shim.kind != network.driver:
        return {}
    places = sorted(address.partition("/")[0] for address in shim.addresses)
    own = IPv4Network(words["container_range"])[0] if "container_range" in words else None
    notes.add(
        "shim",
        f"{shim.interface} is there, with {', '.join(sorted(shim.addresses)) or 'no address'}: the "
        "deploy makes its own of that name, so take away what makes this one at boot",
    )
    if len(places) == 1 and IPv4Address(places[0]) != own:
        return {"shim": True, "shim_address": places[0]}
    return {"shim": True}
