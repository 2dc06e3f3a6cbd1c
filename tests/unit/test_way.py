"""What lies on the way of packets is read as the kernel tells it."""

from __future__ import annotations

from ipaddress import IPv4Address

from facts.way import Way, WayState
from tests.unit.kernel import answers_text

DATABASE = IPv4Address("10.0.0.10")
LINES = {
    "cards": "eth0 1\neth1 0\nlo \n",
    "connections": "12\n262144\n",
    "inside": (
        "listens onetime-7043 0BB8\n"
        "listens onetime-7043 1F90\n"
        "neighbour onetime-7043 10.0.0.10 REACHABLE\n"
    ),
    "handshakes": "onetime-wg-7043 1000\nonetime-wg-7044 0\n",
    "routes": "10.0.0.10 dev eth1 src 10.0.0.15 uid 0\nlocal 10.0.0.15 dev lo src 10.0.0.15\nodd\n",
    "clock": "1060\n",
}


def test_way_is_read_as_the_kernel_tells_it() -> None:
    assert Way().process(answers_text(LINES)) == WayState(
        carriers={"eth0": True, "eth1": False},
        connections=(12, 262144),
        listening={"onetime-7043": frozenset({3000, 8080})},
        neighbours={"onetime-7043": {DATABASE: "REACHABLE"}},
        routes={DATABASE: "eth1", IPv4Address("10.0.0.15"): "lo"},
        handshakes={"onetime-wg-7043": 60, "onetime-wg-7044": None},
    )
    bare = Way().process(answers_text({**dict.fromkeys(LINES, ""), "clock": "1"}))
    assert (bare.connections, bare.carriers) == (None, {})
    assert "ip -4 route get $it" in Way().command(addresses=["10.0.0.10"])
