"""Parsers for the kernel's own text: `/proc/net/*` and flags from `/sys/class/net`.

Pure functions from text to typed values. Each raises `ValueError`, naming the file and the line,
on text that the kernel would not write: half an answer never becomes a decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Literal

from facts.values import Readable

_RTF_UP, _RTF_GATEWAY, _RTF_REJECT = 0x1, 0x2, 0x200
_IFF_UP, _IFF_LOOPBACK, _IFF_POINTOPOINT, _IFF_NOARP = 0x1, 0x8, 0x10, 0x80
_TCP_LISTEN = "0A"
_ROUTE_FIELDS, _DEV_FIELDS, _TCP_FIELDS = 11, 16, 10
_MASK_FIELD = 7
# An IPv4 address as /proc/net/tcp writes it, in hexadecimal digits.
_IPV4_DIGITS = 8
# Of a bad text, in an error.
_LONGEST_QUOTE = 60
_INTERFACE_NAME = re.compile(r"[^\s/:]{1,15}\Z")
# What the kernel prints for a route that leads nowhere (blackhole, unreachable, prohibit, throw).
_NOWHERE = "*"
_NUMBERS = {10: r"[0-9]{1,10}", 16: r"(0x)?[0-9A-Fa-f]{1,8}"}
_LOOPBACK = IPv4Network("127.0.0.0/8")
# No block of private addresses is wider. What is, is a part of the way to everywhere: VPN software
# replaces a default route by its halves, or by whatever is not to be reached past it.
_WIDEST = 8

ByteOrder = Literal["little", "big"]


@dataclass(frozen=True)
class Route(Readable):
    """One IPv4 route of the main table; `gateway` is none where the destination is on the link."""

    interface: str
    destination: IPv4Network
    gateway: IPv4Address | None
    metric: int

    @property
    def is_default(self) -> bool:
        """Whether it is a default route, or a part of one."""
        return self.destination.prefixlen < _WIDEST


@dataclass(frozen=True)
class Listener(Readable):
    """An address and TCP port that something on the host listens on."""

    address: IPv4Address | IPv6Address
    port: int


def parse_routes(text: str) -> tuple[Route, ...]:
    """Return the usable routes of `/proc/net/route`, in the kernel's order.

    Routes that are down, or that lead nowhere, are left out.
    """
    order = byte_order(text)
    lines = _lines("/proc/net/route", text, header="Iface")
    return tuple(
        Route(name, network, gateway, metric=_number(where, fields[6], 10))
        for where, line in lines
        for fields in [_fields(where, line, _ROUTE_FIELDS)]
        for flags in [_number(where, fields[3], 16)]
        if flags & _RTF_UP and not flags & _RTF_REJECT and fields[0] != _NOWHERE
        for name in [_interface(where, fields[0])]
        for network in [_network(where, fields[1], fields[7], order)]
        for gateway in [_address(where, fields[2], order) if flags & _RTF_GATEWAY else None]
    )


def byte_order(routes: str) -> ByteOrder:
    """Return the host's byte order, in which it prints addresses, by the masks of its routes.

    Masks read the wrong way round have gaps. Those of /0 and /32 are the same both ways, which
    leaves a host that has no others: it counts as little-endian.
    """
    rows = [line.split() for line in routes.splitlines()]
    masks = [fields[_MASK_FIELD] for fields in rows if len(fields) > _MASK_FIELD]
    words = [int(mask, 16) for mask in masks if re.fullmatch(r"[0-9A-Fa-f]{8}", mask)]
    little = all(_prefix(int.from_bytes(word.to_bytes(4, "little"), "big")) >= 0 for word in words)
    return "little" if little or any(_prefix(word) < 0 for word in words) else "big"


def _prefix(mask: int) -> int:
    """Return the length of the prefix that a mask keeps, less than 0 if the mask has gaps."""
    inverse = ~mask & 0xFFFFFFFF
    return -1 if inverse & (inverse + 1) else 32 - inverse.bit_length()


def parse_interfaces(text: str) -> tuple[str, ...]:
    """Return the interface names of `/proc/net/dev`, in the kernel's order."""
    names = []
    lines = _lines("/proc/net/dev", text, header="Inter-|")
    for where, line in lines:
        # The second line of the heading; an interface may well be called `face`.
        if line.startswith(" face |"):
            continue
        name, colon, counters = line.partition(":")
        if not colon:
            raise ValueError(f"{where}: no interface name in {_clip(line)}")
        _fields(where, counters, _DEV_FIELDS)
        names.append(_interface(where, name.strip()))
    if not names:
        raise ValueError("/proc/net/dev lists no interface, not even lo")
    return tuple(names)


def parse_addresses(text: str) -> tuple[IPv4Address, ...]:
    """Return the host's own addresses from `/proc/net/fib_trie`, loopback left out, sorted.

    Own addresses are the leaves that hold a `/32 host LOCAL` entry.
    """
    addresses: set[IPv4Address] = set()
    leaf: IPv4Address | None = None
    for where, line in _lines("/proc/net/fib_trie", text, header=""):
        entry = line.strip()
        if entry.startswith("|-- "):
            leaf = _dotted(where, entry.removeprefix("|-- "))
        elif entry.startswith("/") and leaf is None:
            raise ValueError(f"{where}: {_clip(entry)} belongs to no address")
        elif entry.split() == ["/32", "host", "LOCAL"] and leaf is not None:
            addresses.add(leaf)
        elif not entry.startswith(("+-- ", "/")) and not entry.endswith(":"):
            raise ValueError(f"{where}: cannot read {_clip(line)}")
    if not any(address in _LOOPBACK for address in addresses):
        raise ValueError("/proc/net/fib_trie holds no loopback address: it is cut off")
    return tuple(sorted(address for address in addresses if address not in _LOOPBACK))


def parse_listeners(tcp: str, tcp6: str, order: ByteOrder = "little") -> frozenset[Listener]:
    """Return what listens, from `/proc/net/tcp` and `/proc/net/tcp6` (empty without IPv6)."""
    listeners = set()
    for name, text in (("/proc/net/tcp", tcp), ("/proc/net/tcp6", tcp6)):
        if name.endswith("6") and not text:
            continue
        for where, line in _lines(name, text, header="sl"):
            fields = _fields(where, line, _TCP_FIELDS, at_least=True)
            address, _, port = fields[1].partition(":")
            if fields[3] == _TCP_LISTEN:
                own = _socket_address(where, address, order)
                listeners.add(Listener(own, _number(where, port, 16)))
    return frozenset(listeners)


def parse_links_up(text: str) -> frozenset[str]:
    """Return the interfaces that are administratively up, from lines of `name flags`."""
    return _links(text, lambda flags: bool(flags & _IFF_UP))


def parse_links_alone(text: str) -> frozenset[str]:
    """Return the interfaces that have no neighbours to ask for addresses: tunnels, loopback."""
    return _links(text, lambda flags: bool(flags & (_IFF_LOOPBACK | _IFF_POINTOPOINT | _IFF_NOARP)))


def _links(text: str, condition: Callable[[int], bool]) -> frozenset[str]:
    return frozenset(
        _interface(where, name)
        for where, line in _lines("/sys/class/net", text, header="")
        for name, flags in [_fields(where, line, 2)]
        if condition(_number(where, flags, 16))
    )


def _lines(name: str, text: str, *, header: str) -> Iterator[tuple[str, str]]:
    """Yield `(place, line)`, after checking and dropping the header line, if one is due."""
    lines = text.splitlines()
    if not lines or not lines[0].lstrip().startswith(header):
        raise ValueError(f"{name} is empty or does not start as the kernel writes it")
    if not text.endswith("\n"):
        raise ValueError(f"{name} is cut off in its last line, {_clip(lines[-1])}")
    for number, line in enumerate(lines, start=1):
        if line.strip() and not (header and number == 1):
            yield f"{name}, line {number}", line


def _fields(where: str, line: str, count: int, *, at_least: bool = False) -> list[str]:
    fields = line.split()
    if len(fields) < count or (len(fields) > count and not at_least):
        raise ValueError(f"{where}: {count} fields expected in {_clip(line)}")
    return fields


def _interface(where: str, name: str) -> str:
    if not _INTERFACE_NAME.match(name) or not name.isprintable():
        raise ValueError(f"{where}: {_clip(name)} is no interface name")
    return name


def _number(where: str, text: str, base: int) -> int:
    # int() takes more than the kernel writes: underscores, spaces, digits of other scripts.
    if not re.fullmatch(_NUMBERS[base], text):
        raise ValueError(f"{where}: {_clip(text)} is no number")
    return int(text, base)


def _raw(where: str, text: str, size: int, order: ByteOrder) -> bytes:
    """Return the bytes of addresses that the kernel prints as native 32-bit words."""
    if len(text) != size * 2 or not re.fullmatch(r"[0-9A-Fa-f]+", text):
        raise ValueError(f"{where}: {_clip(text)} is no address")
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    return b"".join(word.to_bytes(4, order) for word in words)


def _address(where: str, text: str, order: ByteOrder) -> IPv4Address:
    return IPv4Address(_raw(where, text, 4, order))


def _socket_address(where: str, text: str, order: ByteOrder) -> IPv4Address | IPv6Address:
    address = ip_address(_raw(where, text, 4 if len(text) == _IPV4_DIGITS else 16, order))
    # Some programs listen on an IPv4 address by an IPv6 socket (::ffff:10.0.0.11).
    return getattr(address, "ipv4_mapped", None) or address


def _network(where: str, destination: str, mask: str, order: ByteOrder) -> IPv4Network:
    prefix = _prefix(int(_address(where, mask, order)))
    if prefix < 0:
        raise ValueError(f"{where}: {_clip(mask)} is no mask")
    try:
        return IPv4Network((_address(where, destination, order), prefix))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _dotted(where: str, text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError(f"{where}: {_clip(text)} is no address") from None


def _clip(text: str) -> str:
    """Quote text for an error: hostile bytes escaped, length bounded."""
    return ascii(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…")
