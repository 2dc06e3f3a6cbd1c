"""A subnet as a strip of addresses, in rows of 32: what is alike for many rows is one band.

A row's picture follows from what is in it alone, so two maps differ where the network does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from plan.map.shapes import Box, Drawing, Text, fitted
from plan.map.subnets import Mark, Range, Subnet, clusters

_CELLS = 32
_CELL, _OWNER, _HEIGHT = 30, 18, 36
_WIDTH = _CELL * _CELLS
_SMALL, _LABEL = 9, 10
_BAND = 22


@dataclass(frozen=True)
class Note:
    """Who has an address, in words."""

    address: IPv4Address
    text: str
    target: str
    disputed: bool


@dataclass(frozen=True)
class Row:
    """A row of addresses, or the band for many; the first and last address it stands for."""

    drawing: Drawing
    notes: tuple[Note, ...]


def rows(subnet: Subnet) -> tuple[Row, ...]:
    """Return the rows and bands of a subnet, from its first address to its last."""
    holders: dict[IPv4Address, list[Mark]] = {}
    for mark in subnet.marks:
        holders.setdefault(mark.address, []).append(mark)
    return tuple(
        _row(part, subnet, holders) if single else _band(part, subnet)
        for part, single in _parts(subnet)
    )


Part = tuple[IPv4Address, IPv4Address]


def _parts(subnet: Subnet) -> Iterator[tuple[Part, bool]]:
    """Yield each part of a subnet, and whether it is one row that is drawn cell by cell."""
    base, size = int(subnet.network[0]), subnet.network.num_addresses
    last = (size - 1) // _CELLS
    singles = {(int(mark.address) - base) // _CELLS for mark in subnet.marks}
    edges = {0, last + 1}
    for claim in subnet.ranges:
        first, end = int(claim.network[0]) - base, int(claim.network[-1]) - base
        if first // _CELLS == end // _CELLS:
            singles.add(first // _CELLS)
        edges |= {first // _CELLS, end // _CELLS + 1}
    edges |= {edge for row in singles for edge in (row, row + 1)}
    for start, end in pairwise(sorted(edges)):
        part = (
            IPv4Address(base + start * _CELLS),
            IPv4Address(base + min(end * _CELLS, size) - 1),
        )
        yield part, start in singles


def _row(part: Part, subnet: Subnet, holders: Mapping[IPv4Address, Sequence[Mark]]) -> Row:
    first, last = part
    boxes, texts = [], []
    for cluster in clusters(_meeting(part, subnet.ranges)):
        box, text = _owner(cluster, part)
        boxes.append(box)
        texts.append(text)
    notes = []
    for offset in range(int(last) - int(first) + 1):
        address, x = first + offset, offset * _CELL
        marks = holders.get(address, ())
        disputed = _is_disputed(address, bool(marks), subnet)
        kind = _cell_kind(address, marks, subnet, disputed=disputed)
        tip = ", ".join([str(address), *(mark.text for mark in marks)])
        boxes.append(Box(x + 1, _OWNER, _CELL - 2, _HEIGHT, kind, tip))
        octet = f".{int(address) % 256}"
        middle = x + _CELL / 2
        texts.append(Text(middle, _OWNER + 13, octet, "octet", "middle"))
        if marks:
            label = marks[0].label if len(marks) == 1 or not disputed else "!!"
            texts.append(
                fitted(middle, _OWNER + 28, label, _CELL, "cell", anchor="middle", size=_SMALL)
            )
        notes += [Note(address, mark.text, mark.target, disputed) for mark in marks]
    title = f"addresses {first} to {last}"
    height = _OWNER + _HEIGHT + 2
    drawing = Drawing(title, _WIDTH, height, tuple(boxes), (), tuple(texts))
    return Row(drawing, tuple(notes))


def _meeting(part: Part, ranges: Sequence[Range]) -> list[Range]:
    return [
        claim for claim in ranges if claim.network[0] <= part[1] and part[0] <= claim.network[-1]
    ]


def _owner(cluster: Sequence[Range], part: Part) -> tuple[Box, Text]:
    """Return the label above the cells of a range, or of several where they overlap."""
    network = cluster[0].network
    start = max(0, int(network[0]) - int(part[0])) * _CELL
    end = (min(int(part[1]), int(network[-1])) - int(part[0]) + 1) * _CELL
    kind = "owner disputed" if len(cluster) > 1 else "owner"
    text = ", ".join(f"{claim.host} {claim.network}" for claim in cluster)
    return (
        Box(start + 1, 0, end - start - 2, _OWNER - 2, kind, text),
        fitted(start + 6, 12, text, end - start - 10, "owner-name", size=_LABEL),
    )


def _is_disputed(address: IPv4Address, held: bool, subnet: Subnet) -> bool:
    return (held and address in subnet.disputed) or any(
        address in place for place in subnet.disputed if isinstance(place, IPv4Network)
    )


def _cell_kind(
    address: IPv4Address, marks: Sequence[Mark], subnet: Subnet, *, disputed: bool
) -> str:
    if disputed:
        return "cell disputed"
    if marks:
        return f"cell {marks[0].kind}"
    edges = {subnet.network.network_address, subnet.network.broadcast_address}
    if address in edges:
        return "cell edge"
    taken = any(address in claim.network for claim in subnet.ranges)
    return "cell range" if taken else "cell free"


def _band(part: Part, subnet: Subnet) -> Row:
    """Return the picture of rows in which nothing has a name: free, or all a host's."""
    first, last = part
    owners = _meeting(part, subnet.ranges)
    count = int(last) - int(first) + 1
    disputed = any(claim.network in subnet.disputed for claim in owners)
    label = ", ".join(f"range of {claim.host}" for claim in owners) or "free"
    kind = "range" if owners else "free"
    text = f"{first} to {last}   {label}, {count} addresses"
    width = min(count, _CELLS) * _CELL
    drawing = Drawing(
        title=f"addresses {first} to {last}",
        width=_WIDTH,
        height=_BAND + 2,
        boxes=(Box(1, 0, width - 2, _BAND, f"cell {'disputed' if disputed else kind}", text),),
        arrows=(),
        texts=(fitted(8, 15, text, width - 16, "band"),),
    )
    return Row(drawing, ())
