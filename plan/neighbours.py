"""What hosts of one inventory must not have in common: addresses, ranges, bridges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import product

from plan.inventory.settings import Settings
from plan.model import HostPlan
from plan.network.addresses import mac as mac_of
from plan.network.overlaps import Holders, overlapping
from plan.observed import Observed
from plan.problems import Problem
from plan.release.address_drop_ins import read_addresses

_ELSEWHERE = "Choose a range that nothing else uses"
_DEFAULT_SHIM = "Leave it out to use the first address of container_range"


def check_addresses(
    plans: Mapping[str, HostPlan],
    settings: Mapping[str, Settings],
    observed: Mapping[str, Observed],
) -> Iterator[Problem]:
    """Yield addresses that two have, or that somebody else on the LAN has.

    + settings: those of every host of the inventory
    """
    yield from _answered(plans, observed)
    yield from _hosts_own(plans, observed)
    yield from _ranges(plans, settings)
    yield from _shims(plans, settings)
    yield from _routed_bridges(plans)


def _answered(plans: Mapping[str, HostPlan], observed: Mapping[str, Observed]) -> Iterator[Problem]:
    """Yield addresses that somebody on the LAN has; hosts' own are told by another check."""
    hosts = {address for host in observed.values() for address in host.network.addresses}
    instances = {
        address: f" ({'instance' if isinstance(member, int) else 'job'} {member} of {name})"
        for name, host in observed.items()
        for member, address in read_addresses(host.installed.release.drop_ins).items()
    }
    for plan in plans.values():
        purposes = {member.address: member.title for member in plan.members}
        if plan.mode.shim:
            purposes[plan.mode.shim.address] = "the shim"
        for address, mac in observed[plan.host].answering.items():
            if address in purposes and address not in hosts | _woken(observed[plan.host], mac):
                yield Problem(
                    plan.host,
                    "shim_address" if address == plan.settings.shim_address else "container_range",
                    f"{address}, meant for {purposes[address]}, is answered by "
                    f"{mac}{instances.get(address, '')} on the LAN",
                    "Choose what nothing else uses, or free the address",
                )


def _woken(host: Observed, mac: str) -> set[IPv4Address]:
    """Return the addresses that the host's own instances answer for: by a shim it hears them."""
    # One that was on its way up when Podman was asked answers later.
    addresses = read_addresses(host.installed.release.drop_ins).values()
    return {address for address in addresses if host.installed.shim and mac == mac_of(address)}


def claimable(plan: HostPlan) -> tuple[IPv4Address, ...]:
    """Return the addresses of a host's instances on the LAN that nobody else may answer for.

    None where a shim without a MAC of its own leads there: its answers are like the host's.
    """
    shim = plan.mode.shim
    if shim and shim.mac is None:
        return ()
    return tuple(member.address for member in plan.members if member.address)


def claims(plan: HostPlan, answering: Mapping[IPv4Address, str]) -> Iterator[str]:
    """Yield a sentence per address of a live instance that somebody else on the LAN answers for.

    + answering: who answers for `claimable` addresses, as a MAC
    """
    for member in plan.members:
        mac = answering.get(member.address) if member.address else None
        # By a shim the container itself is heard.
        if member.address and mac not in {None, mac_of(member.address)}:
            yield (
                f"{member.address}, {member.title}'s, is answered by {mac} on the LAN, "
                "too: find that machine and take the address away from it"
            )


def _hosts_own(
    plans: Mapping[str, HostPlan], observed: Mapping[str, Observed]
) -> Iterator[Problem]:
    """Yield where a host's range or shim takes an address that some host has for itself."""
    owners: dict[IPv4Address, list[str]] = {}
    for name, host in sorted(observed.items()):
        for address in host.network.addresses:
            owners.setdefault(address, []).append(name)
    addresses = sorted(owners)
    for plan in plans.values():
        if plan.private is None:
            continue
        taken = [plan.settings.own_range] if plan.settings.own_range else []
        taken += [IPv4Network(plan.mode.shim.address)] if plan.mode.shim else []
        live_shim = observed[plan.host].installed.shim
        # A shim that stands already is this deploy's own, wherever it is going to be.
        shims = live_shim.addresses if live_shim else frozenset()
        candidates = {
            address
            for network in taken
            for address in addresses[
                bisect_left(addresses, network[0]) : bisect_right(addresses, network[-1])
            ]
            if address in plan.private.subnet
        }
        conflicts = [
            (address, name)
            for address in sorted(candidates)
            for name in owners[address]
            if name != plan.host or f"{address}/32" not in shims
        ]
        for address, name in conflicts:
            owner = "the host's own address" if name == plan.host else f"an address of {name}"
            if plan.settings.own_range and address in plan.settings.own_range:
                observation = f"{plan.settings.own_range} holds {address}, {owner}"
                yield Problem(plan.host, "container_range", observation, _ELSEWHERE)
            else:
                observation = f"{address} is {owner}"
                yield Problem(plan.host, "shim_address", observation, _DEFAULT_SHIM)


def _ranges(plans: Mapping[str, HostPlan], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    for host, neighbour in _meeting(overlapping(_own_ranges(settings)), plans):
        yield Problem(
            host,
            "container_range",
            f"{settings[host].own_range} overlaps with {settings[neighbour].own_range} of "
            f"{neighbour}",
            "Give each host a range of its own: Podman knows its own host's addresses only",
        )


def _own_ranges(settings: Mapping[str, Settings]) -> dict[str, IPv4Network]:
    return {name: words.own_range for name, words in settings.items() if words.own_range}


def _shims(plans: Mapping[str, HostPlan], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    """Yield shims outside their host's range at an address that another host may use."""
    shims: dict[IPv4Address, list[str]] = {}
    for name, words in sorted(settings.items()):
        if words.own_shim:
            shims.setdefault(words.own_shim, []).append(name)
    members: dict[IPv4Address | None, dict[str, str]] = {}
    for name, plan in plans.items():
        for member in plan.members:
            members.setdefault(member.address, {}).setdefault(name, member.title)
    own_ranges = _own_ranges(settings)
    holders = Holders(own_ranges)
    for address, hosts in sorted(shims.items()):
        owners, ranges = members.get(address, {}), set(holders.of(address))
        outside = [host for host in hosts if address not in own_ranges[host]]
        pairs = product(outside, {*owners, *ranges, *hosts})
        for host, neighbour in _meeting(pairs, plans):
            if host == neighbour:
                continue
            if neighbour in owners:
                owner = f"{owners[neighbour]}'s on {neighbour}"
            elif neighbour in ranges:
                owner = f"in the container_range of {neighbour}"
            elif host < neighbour:
                owner = f"the shim of {neighbour} too"
            else:
                continue
            yield Problem(host, "shim_address", f"{address} is {owner}", _DEFAULT_SHIM)


def _meeting(
    pairs: Iterable[tuple[str, str]], plans: Mapping[str, HostPlan]
) -> list[tuple[str, str]]:
    return [pair for pair in sorted(pairs) if _may_meet(*pair, plans)]


def _may_meet(host: str, neighbour: str, plans: Mapping[str, HostPlan]) -> bool:
    """Tell whether hosts may be on one subnet; only those known to be on different ones are not."""
    subnets = {
        plan.private.subnet
        for plan in (plans.get(host), plans.get(neighbour))
        if plan is not None and plan.private is not None
    }
    return len(subnets) < 2  # noqa: PLR2004 - two hosts


def _routed_bridges(plans: Mapping[str, HostPlan]) -> Iterator[Problem]:
    """Yield bridges that the network is to route to, and that two hosts have alike."""
    routed = {
        name: plan.settings.publish_subnet
        for name, plan in plans.items()
        if plan.settings.mode.optional_nat and not plan.settings.routed_nat
    }
    for host, neighbour in _meeting(overlapping(routed), plans):
        yield Problem(
            host,
            "publish_subnet",
            f"{routed[host]} overlaps with {routed[neighbour]} of {neighbour}, and routed_nat "
            "is False",
            "Give each host a bridge of its own, for the network to route to",
        )
