"""The live `macvlan0` or `ipvlan0` interface, as `ip -json` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from facts.reading import Part, parse_json
from facts.values import Readable


class _KindJson(TypedDict, total=False):
    info_kind: str


class _AddressJson(TypedDict, total=False):
    family: str
    local: str
    prefixlen: int


# Nothing is required: `ip` prints an empty object for what its filters left out.
class _LinkJson(TypedDict, total=False):
    ifname: str
    link: str
    address: str
    flags: list[str]
    linkinfo: _KindJson
    addr_info: list[_AddressJson]


class _RouteJson(TypedDict, total=False):
    dst: str
    prefsrc: str


_LINKS = TypeAdapter(list[_LinkJson])
_ROUTES = TypeAdapter(list[_RouteJson])


@dataclass(frozen=True)
class Shim(Readable):
    """The live `macvlan0` or `ipvlan0`; `routes` are the destinations that lead over it."""

    interface: str
    parent: str | None
    kind: str
    mac: str
    up: bool
    addresses: frozenset[str]
    routes: frozenset[str]


_QUESTION = r"""
shim() {
  for interface in @SHIM_INTERFACES@; do
    [ ! -e "@SYS_NET@/$interface" ] || { "$@" dev "$interface"; return; }
  done
}
say shim shim ip -json -details address show
say shim_routes shim ip -json -4 route show
"""


def parse_shim(link_text: str, routes_text: str) -> Shim | None:
    """Return the shim from `ip -json address show` and `ip -json route show`, none without one."""
    links = [link for link in parse_json(_LINKS, "ip address", link_text) if link]
    if not links:
        return None
    link = links[0]
    return Shim(
        interface=link.get("ifname", ""),
        parent=link.get("link"),
        kind=link.get("linkinfo", {}).get("info_kind", ""),
        mac=link.get("address", ""),
        up="UP" in link.get("flags", []),
        addresses=frozenset(
            str(IPv4Interface((part.get("local", ""), part.get("prefixlen", 32))))
            for part in link.get("addr_info", [])
            if part.get("family") == "inet"
        ),
        routes=frozenset(
            f"{route.get('dst')} src {route.get('prefsrc')}"
            for route in parse_json(_ROUTES, "ip route", routes_text)
        ),
    )


SHIM = Part(_QUESTION, lambda answers: parse_shim(answers["shim"], answers["shim_routes"]))
