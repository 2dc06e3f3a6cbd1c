"""Overlaps are found by one sort, and are those that comparing all pairs would find."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from plan.network.overlaps import Holders, overlapping

# Few enough places that many networks meet.
NETWORKS = st.builds(
    lambda place, length: IPv4Network((place, length), strict=False),
    st.integers(0x0A000000, 0x0A00003F),
    st.integers(24, 32),
)
NAMED = st.lists(NETWORKS, max_size=12).map(
    lambda networks: {f"h{number:02}": network for number, network in enumerate(networks)}
)


@given(NAMED)
def test_pairs_are_those_of_a_comparison_of_all(networks: dict[str, IPv4Network]) -> None:
    expected = [
        (one, other)
        for one, other in combinations(sorted(networks), 2)
        if networks[one].overlaps(networks[other])
    ]
    assert sorted(overlapping(networks)) == expected


@given(NAMED, st.integers(0x09FFFFFF, 0x0A000041).map(IPv4Address))
def test_holders_are_those_of_a_comparison_of_all(
    networks: dict[str, IPv4Network], address: IPv4Address
) -> None:
    expected = {name for name, network in networks.items() if address in network}
    assert set(Holders(networks).of(address)) == expected
