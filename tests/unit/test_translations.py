"""Rules of others that translate a port are told, whatever form they have."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from facts.firewall import Translation
from tests.unit.rulesets import chain, read, table


@pytest.mark.parametrize(
    ("rule", "translated"),
    [
        ("tcp dport 7043 dnat to 10.0.0.9:80", [(7043, 7043, None)]),
        ("tcp dport 7043 redirect to :8080", [(7043, 7043, None)]),
        (
            "ip daddr 203.0.113.11 tcp dport 7000-7100 counter packets 0 bytes 0 dnat to 10.0.0.9",
            [(7000, 7100, "203.0.113.11/32")],
        ),
        ("tcp dport { 80, 7043 } redirect to :8080", [(80, 80, None), (7043, 7043, None)]),
        (
            "dnat to tcp dport map { 80 : 10.0.0.9, 7043 : 10.0.0.8 }",
            [(80, 80, None), (7043, 7043, None)],
        ),
        (
            "ip daddr { 10.0.0.11, 10.0.0.12 } tcp dport 7043 dnat to 10.0.0.9",
            [(7043, 7043, "10.0.0.11/32"), (7043, 7043, "10.0.0.12/32")],
        ),
        ("ip daddr 10.0.0.11 dnat to 10.0.0.9", [(1, 65535, "10.0.0.11/32")]),
        ("tcp dport 7043 jump TO", [(7043, 7043, None)]),
        ("fib daddr type local tcp dport 7043 jump BY", [(7043, 7043, None)]),
        ("tcp dport 7043 jump NONE", []),
        ("udp dport 7043 dnat to 10.0.0.9", []),
        ("tcp dport != 7043 dnat to 10.0.0.9", []),
        ("tcp dport @mapped dnat to 172.17.0.3", []),
        ("ip6 daddr 2001:db8::1 tcp dport 7043 dnat to fd00::9", []),
        ("tcp dport 7043 accept", []),
    ],
)
def test_translation_of_others_is_told(
    rule: str, translated: list[tuple[int, int, str | None]]
) -> None:
    called = (
        chain("TO", "meta l4proto 6 dnat to 10.0.0.9:80"),
        chain("BY", "jump TO"),
        chain("NONE", "counter packets 0 bytes 0"),
    )
    rules = chain("one", rule).replace("handle 1\n", "handle 1\n\t\t" + NAT, 1)
    assert read(table(*called, rules, name="ip nat")).translated == {
        Translation(low, high, IPv4Network(addresses) if addresses else None)
        for low, high, addresses in translated
    }


NAT = "type nat hook prerouting priority dstnat; policy accept;\n"


@pytest.mark.parametrize("name", ["inet netavark", "ip nat"])
def test_podmans_own_translation_is_nobody_elses(name: str) -> None:
    called = chain("NETAVARK-DN-1", "tcp dport 7043 dnat to 10.89.43.2:3000")
    first = chain("PREROUTING", "fib daddr type local jump NETAVARK-DN-1")
    assert read(table(called, first, name=name)).translated == frozenset()
