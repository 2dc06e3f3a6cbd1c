"""The drop-in that gives a container its places on networks: written and read here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address

from names import INSTANCE, JOB, PRIVATE_NETWORK, PUBLISH_NETWORK, SIDECAR
from plan.inventory.values import Member
from plan.model import File
from plan.release.render import render

_PATHS = re.compile(
    rf"quadlet/(?:(?:{INSTANCE}|{SIDECAR})@(?P<port>\d+)|{JOB}@(?P<job>[a-z0-9-]+))"
    r"\.container\.d/address\.conf"
)


def network_option(network: str, address: IPv4Address, mac: str | None = None) -> str:
    """Return the `Network=` value that gives a container its address, and its MAC if it has one."""
    return f"{network}.network:ip={address}" + (f",mac={mac}" if mac else "")


def address_drop_in(kind: str, member: Member, networks: Iterable[str]) -> File:
    """Return the drop-in of a container that has networks of its own.

    + kind: instance, sidecar or job
    """
    text = render("instance-address.conf.j2", networks=networks)
    return File(f"quadlet/{kind}@{member}.container.d/address.conf", text)


def read_addresses(drop_ins: Mapping[str, str]) -> dict[Member, IPv4Address]:
    """Return the private address of each instance and job, from an installed release."""
    return _addresses(drop_ins, PRIVATE_NETWORK)


def read_bridge_addresses(drop_ins: Mapping[str, str]) -> dict[Member, IPv4Address]:
    """Return where each instance and job is on the bridge, from an installed release."""
    return _addresses(drop_ins, PUBLISH_NETWORK)


def _addresses(drop_ins: Mapping[str, str], network: str) -> dict[Member, IPv4Address]:
    option = re.compile(rf"^Network={re.escape(network)}\.network:ip=([0-9.]+)", re.MULTILINE)
    addresses: dict[Member, IPv4Address] = {}
    for path, text in drop_ins.items():
        place, address = _PATHS.fullmatch(path), option.search(text)
        if place and address:
            member = int(place["port"]) if place["port"] else place["job"]
            # A drop-in that was edited to nonsense is written anew, like any that differs.
            with suppress(ValueError):
                addresses[member] = IPv4Address(address[1])
    return addresses
