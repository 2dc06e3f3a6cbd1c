"""An instance has its address for life, and nobody else has it."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plan.fleet import probes
from plan.inventory.values import Member
from plan.network.addresses import Pool, allocate, mac, usable
from tests.unit.observed import address
from tests.unit.planned import observed, plan_one, refusals

SUBNET = IPv4Network("10.0.0.0/24")
NAMES = st.sampled_from(["emails", "billing", "scheduler"])
PORTS = st.integers(1024, 65535)
# Parts of the subnet of all sizes, its edges among them.
RANGES = st.integers(24, 31).flatmap(
    lambda prefix: st.sampled_from(list(SUBNET.subnets(new_prefix=prefix)))
)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    container_range = draw(RANGES)
    shim = draw(st.just(container_range[0]) | st.sampled_from(list(SUBNET)))
    return usable(container_range, subnet=SUBNET, shim=shim)


def members(pool: Pool) -> list[IPv4Address]:
    """Return the pool's addresses by the rules in words, not by its own code."""
    edges = {SUBNET.network_address, SUBNET.broadcast_address}
    return [
        address
        for address in pool.container_range
        if address != pool.container_range[0]
        and address not in edges
        and address not in pool.excluded
    ]


@given(pools())
def test_pool_is_its_range_without_first_shim_and_edges(pool: Pool) -> None:
    assert pool.room == len(members(pool))
    assert [address for address in SUBNET if address in pool] == members(pool)
    assert sorted(pool.starting_at(7043)) == members(pool)


@given(pools(), st.lists(st.lists(PORTS | NAMES, max_size=12, unique=True), min_size=1, max_size=8))
def test_member_keeps_its_address_through_all_edits(pool: Pool, lists: list[list[Member]]) -> None:
    installed: dict[Member, IPv4Address] = {}
    for ports in lists:
        chosen = allocate(ports, pool, installed)
        assert len(set(chosen.values())) == len(chosen)
        assert set(chosen.values()) <= set(members(pool))
        assert len(chosen) == min(len(ports), pool.room)
        staying = {port: address for port, address in installed.items() if port in ports}
        # Those who stay keep what they have; a host never holds more than its pool has room for.
        assert staying.items() <= chosen.items()
        assert chosen == allocate(reversed(ports), pool, installed)
        installed = chosen


@given(pools(), st.lists(PORTS | NAMES, max_size=12, unique=True), st.data())
def test_whatever_is_installed_nothing_is_given_twice(
    pool: Pool, ports: list[Member], data: st.DataObject
) -> None:
    """Drop-ins that were edited by hand may name the same address, or one from outside."""
    addresses = st.sampled_from([*SUBNET, IPv4Address("192.168.0.1")])
    installed = data.draw(st.dictionaries(PORTS | st.sampled_from(ports or [7043]), addresses))
    chosen = allocate(ports, pool, installed)
    assert len(set(chosen.values())) == len(chosen) == min(len(ports), pool.room)
    assert set(chosen.values()) <= set(members(pool))


@given(pools(), PORTS)
def test_only_instance_is_where_its_port_says(pool: Pool, port: int) -> None:
    """Not a promise to anybody, but what makes two inventories with one host agree."""
    first, second = allocate([port], pool, {}), allocate([port], pool, {})
    assert first == second


@pytest.mark.parametrize("size", ["10.0.0.0/8", "0.0.0.0/0", "10.0.0.0/9"])
def test_range_of_millions_takes_no_time(size: str) -> None:
    pool = usable(IPv4Network(size), subnet=SUBNET, shim=IPv4Address("10.0.0.1"))
    assert len(set(allocate(range(7000, 7100), pool, {}).values())) == 100


def test_range_of_one_address_has_room_for_nobody() -> None:
    pool = usable(IPv4Network("10.0.0.128/32"), subnet=SUBNET, shim=IPv4Address("10.0.0.128"))
    assert (pool.room, allocate([7043], pool, {})) == (0, {})


@given(st.sets(st.ip_addresses(v=4)))
def test_macs_are_unique_local_and_unicast(addresses: set[IPv4Address]) -> None:
    macs = {mac(address) for address in addresses}
    assert len(macs) == len(addresses)
    for text in macs:
        first, *rest = (int(byte, 16) for byte in text.split(":"))
        assert first & 0b11 == 0b10
        assert len(rest) == 5


# Parts of 10.0.0.0/24 at both of its edges; its router and database are moved out of their way.
EDGES = st.builds(
    lambda prefix, last: list(IPv4Network("10.0.0.0/24").subnets(new_prefix=prefix))[-last],
    st.integers(25, 30),
    st.integers(0, 1),
)


@given(EDGES, st.lists(st.integers(1024, 65535), min_size=1, max_size=9, unique=True))
@example(IPv4Network("10.0.0.224/27"), [7067])
def test_what_is_planned_is_what_is_asked_for(part: IPv4Network, ports: list[int]) -> None:
    middle = "10.0.0.127" if part[0] > address("10.0.0.127") else "10.0.0.128"
    words = {"network_gateway": middle, "container_range": str(part)}
    seen = observed(shim=True, instances=ports, db_address="10.5.0.9", **words)
    elsewhere = dataclasses.replace(
        seen.network, addresses=(address(middle),), listeners=frozenset()
    )
    seen = dataclasses.replace(seen, network=elsewhere)
    if problems := refusals({"h": seen}):
        assert all("has room for" in problem.observation for problem in problems)
        return
    plan = plan_one(seen)
    assert plan.mode.shim is not None
    assert set(probes(seen)) == {one.address for one in plan.instances} | {plan.mode.shim.address}
