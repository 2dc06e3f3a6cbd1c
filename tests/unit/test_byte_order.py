"""The kernel's text of a host with the other byte order is read alike."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from facts.network import Network
from facts.proc import Listener, byte_order, parse_routes
from tests.unit.kernel import answers_text
from tests.unit.observed import network, proc_answers


def big_endian(text: str, columns: tuple[int, ...], separator: str = "\t") -> str:
    """Return the kernel's text as a host of the other byte order would print it."""
    lines = text.splitlines()
    for number, line in enumerate(lines[1:], 1):
        fields = line.split(separator)
        for column in columns:
            fields[column] = "".join(reversed([fields[column][i : i + 2] for i in (0, 2, 4, 6)]))
        lines[number] = separator.join(fields)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", ["plain", "metric", "far", "corporate", "hetznerwg", "docker"])
def test_other_byte_order_is_read_alike(kind: str) -> None:
    answers = proc_answers(kind)
    expected = network(kind, None)
    turned = big_endian(answers["route"], (1, 2, 7))
    assert (byte_order(answers["route"]), byte_order(turned)) == ("little", "big")
    assert parse_routes(turned) == expected.routes
    heading = answers["tcp"].splitlines()[0]
    listening = f"   0: 0A00000F:1B83 00000000:0000 0A {'0 ' * 6}"
    told = {**answers, "route": turned, "tcp": f"{heading}\n{listening}\n", "tcp6": ""}
    read = Network().process(answers_text(told))
    assert read.listeners == {Listener(IPv4Address("10.0.0.15"), 7043)}


def test_mask_with_gaps_is_no_mask() -> None:
    text = proc_answers("plain")["route"].replace("00FFFFFF", "00FF00FF")
    with pytest.raises(ValueError, match="is no mask"):
        parse_routes(text)
    with pytest.raises(ValueError, match="host bits set"):
        parse_routes(proc_answers("plain")["route"].replace("0000000A", "0100000A"))
