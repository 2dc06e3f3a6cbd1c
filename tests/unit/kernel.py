"""A second opinion on the kernel's formats: writers, made from what a kernel prints, not from the
parsers. Little-endian machines only, like the ones that the fixtures come from."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address

DEV_HEAD = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop"
    " fifo colls carrier compressed\n"
)
ROUTE_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
TCP_HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"
    " inode"
)


def word(address: IPv4Address) -> str:
    """Print an address as the kernel does: its bytes in memory, read as one number."""
    return address.packed[::-1].hex().upper()


def route_line(
    interface: str,
    destination: IPv4Network,
    gateway: IPv4Address | None,
    metric: int,
    flags: int = 0x1,
) -> str:
    flags |= 0x2 if gateway is not None else 0
    fields = [
        interface,
        word(destination.network_address),
        word(gateway or IPv4Address(0)),
        f"{flags:04X}",
        "0",
        "0",
        str(metric),
        word(destination.netmask),
        "0",
        "0",
        "0",
    ]
    return "\t".join(fields)


def route_text(lines: Iterable[str]) -> str:
    return "".join(f"{line:<127}\n" for line in [ROUTE_HEAD, *lines])


def dev_text(names: Iterable[str], counter: int = 0) -> str:
    counters = " ".join(f"{counter:>7}" for _ in range(16))
    return DEV_HEAD + "".join(f"{name:>6}: {counters}\n" for name in names)


def trie_text(tables: Mapping[str, Mapping[IPv4Address, list[str]]]) -> str:
    """Print tables of leaves, each with its entries, below one inner node."""
    text = ""
    for table, leaves in tables.items():
        text += f"{table}:\n  +-- 0.0.0.0/0 3 0 5\n"
        for leaf, entries in leaves.items():
            text += f"     |-- {leaf}\n" + "".join(f"        {entry}\n" for entry in entries)
    return text


def tcp_line(number: int, address: IPv4Address | IPv6Address, port: int, state: int) -> str:
    packed = address.packed
    local = "".join(packed[i : i + 4][::-1].hex().upper() for i in range(0, len(packed), 4))
    remote = "0" * len(local)
    return (
        f"{number:>4}: {local}:{port:04X} {remote}:0000 {state:02X} 00000000:00000000 "
        "00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0"
    )


def tcp_text(lines: Iterable[str]) -> str:
    return "".join(f"{line:<149}\n" for line in [TCP_HEAD, *lines])


def answers_text(answers: Mapping[str, str | bytes]) -> list[str]:
    """Print answers in the protocol between a host and its facts, line by line."""
    lines = []
    for name, text in answers.items():
        data = text.encode() if isinstance(text, str) else text
        lines.append(f"{name} {base64.b64encode(data).decode()}")
    return [*lines, "end-of-answers"]
