"""The drop-in that gives a container its places on networks: written and read here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address

from names import INSTANCE, PRIVATE_NETWORK, PUBLISH_NETWORK, SIDECAR
from plan.model import File
from plan.release.render import render

_PATHS = re.compile(rf"quadlet/(?:{INSTANCE}|{SIDECAR})@(\d+)\.container\.d/address\.conf")


def network_option(network: str, address: IPv4Address, mac: str | None = None) -> str:
    """Return the `Network=` value that gives a container its address, and its MAC if it has one."""
    return f"{network}.network:ip={address}" + (f",mac={mac}" if mac else "")


def address_drop_in(kind: str, port: int, networks: Iterable[str]) -> File:
    """Return the drop-in of a container that has networks of its own.

    + kind: instance or sidecar
    """
    text = render("instance-address.conf.j2", networks=networks)
    return File(f"quadlet/{kind}@{port}.container.d/address.conf", text)


def read_addresses(drop_ins: Mapping[str, str]) -> dict[int, IPv4Address]:
    """Return the private address of each instance by port, from an installed release."""
    return _addresses(drop_ins, PRIVATE_NETWORK)


def read_bridge_addresses(drop_ins: Mapping[str, str]) -> dict[int, IPv4Address]:
    """Return where each port is published to on the bridge, from an installed release."""
    return _addresses(drop_ins, PUBLISH_NETWORK)


def _addresses(drop_ins: Mapping[str, str], network: str) -> dict[int, IPv4Address]:
    option = re.compile(rf"^Network={re.escape(network)}\.network:ip=([0-9.]+)", re.MULTILINE)
    addresses = {}
    for path, text in drop_ins.items():
        port, address = _PATHS.fullmatch(path), option.search(text)
        if port and address:
            # A drop-in that was edited to nonsense is written anew, like any that differs.
            with suppress(ValueError):
                addresses[int(port[1])] = IPv4Address(address[1])
    return addresses
