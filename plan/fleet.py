"""Plan a whole inventory: each host by itself, then what only all of them together can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import combinations

from facts.installed import InstalledState
from facts.network import HostNetwork
from plan import addresses
from plan.cards import PRIVATE_BLOCKS
from plan.host import installed_addresses, plan_host
from plan.model import HostPlan
from plan.problems import PlanError, Problem
from plan.settings import Settings


@dataclass(frozen=True)
class Observed:
    """What is known of one host: what it should be, and what it is.

    + keys: names of the environment variables that overrode a setting, by setting
    """

    settings: Settings
    network: HostNetwork
    installed: InstalledState
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    keys: Mapping[str, str] = field(default_factory=dict)


def probes(settings: Settings, installed: InstalledState) -> tuple[str, ...]:
    """Return the addresses that nobody on the LAN may answer for: ours that do not run yet."""
    container_range = settings.own_range
    if container_range is None or not any(container_range.subnet_of(b) for b in PRIVATE_BLOCKS):
        return ()
    shim = settings.shim_address or container_range[0]
    pool = addresses.usable(container_range, subnet=None, shim=shim)
    chosen = addresses.allocate(settings.instances, pool, installed_addresses(installed))
    wanted = [
        address
        for port, address in chosen.items()
        if not (
            (container := installed.containers.get(f"onetime-{port}"))
            and container.running
            and installed_addresses(installed).get(port) == address
        )
    ]
    if settings.shim and installed.shim is None:
        wanted.append(shim)
    return tuple(map(str, wanted))


def plan_fleet(
    observed: Mapping[str, Observed], bystanders: Mapping[str, Settings]
) -> dict[str, HostPlan]:
    """Return a plan per observed host; raise `PlanError` with every problem of every host.

    + bystanders: settings of the inventory's other hosts, which this run leaves alone
    """
    plans: dict[str, HostPlan] = {}
    problems: list[Problem] = []
    for host, seen in sorted(observed.items()):
        try:
            plans[host] = plan_host(
                host,
                seen.settings,
                seen.network,
                seen.installed,
                secrets=seen.secrets,
                keys=seen.keys,
            )
        except PlanError as error:
            problems += error.problems
    for host, plan in plans.items():
        problems += _answering(plan, observed[host].network)
        problems += _own_addresses(plan, observed)
    problems += _ranges(plans, {h: s.settings for h, s in observed.items()} | dict(bystanders))
    problems += _shims(plans)
    problems += _routed_subnets(plans)
    if problems:
        raise PlanError(problems)
    return plans


def _answering(plan: HostPlan, network: HostNetwork) -> Iterator[Problem]:
    ours = {instance.address: f"instance {instance.port}" for instance in plan.instances}
    if plan.shim:
        ours[plan.shim.address] = "the shim"
    for address, mac in network.answering.items():
        if address in ours:
            yield Problem(
                plan.host,
                "container_range",
                f"{address}, meant for {ours[address]}, is answered by {mac} on the LAN",
                "Choose a range that nothing else uses, or free the address",
            )


def _own_addresses(plan: HostPlan, observed: Mapping[str, Observed]) -> Iterator[Problem]:
    """Yield where a host's range or shim takes an address that some host has for itself."""
    own_shim = observed[plan.host].installed.shim
    for other, seen in sorted(observed.items()):
        for address in seen.network.addresses:
            if plan.private is None or address not in plan.private.subnet:
                continue
            ours = other == plan.host
            # A shim that stands already is this deploy's own, wherever it is going to be.
            if ours and own_shim and f"{address}/32" in own_shim.addresses:
                continue
            whose = "the host's own address" if ours else f"an address of {other}"
            if plan.settings.own_range and address in plan.settings.own_range:
                yield Problem(
                    plan.host,
                    "container_range",
                    f"{plan.settings.own_range} holds {address}, {whose}",
                    "Choose a range that nothing else uses",
                )
            if plan.shim and address == plan.shim.address:
                yield Problem(
                    plan.host,
                    "shim_address",
                    f"{address} is {whose}",
                    "Leave it out to use the first address of container_range",
                )


def _ranges(plans: Mapping[str, HostPlan], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    """Yield overlapping ranges; hosts on subnets known to be different cannot collide."""
    for one, two in combinations(sorted(settings), 2):
        first, second = settings[one].own_range, settings[two].own_range
        if first is None or second is None or not first.overlaps(second):
            continue
        subnets = {
            private.subnet
            for host in (one, two)
            if host in plans and (private := plans[host].private) is not None
        }
        if len(subnets) == 1 or not subnets:
            yield Problem(
                one,
                "container_range",
                f"{first} overlaps with {second} of {two}",
                "Give each host a range of its own: Podman knows its own host's addresses only",
            )


def _shims(plans: Mapping[str, HostPlan]) -> Iterator[Problem]:
    """Yield shim addresses that an instance, or another host's shim or range, may use."""
    for host, plan in plans.items():
        if plan.shim is None:
            continue
        address = plan.shim.address
        for other_host, other in plans.items():
            if _subnet(other) != _subnet(plan):
                continue
            for instance in other.instances:
                if instance.address == address:
                    yield Problem(
                        host,
                        "shim_address",
                        f"{address} is instance {instance.port}'s on {other_host}",
                        "Leave it out to use the first address of container_range",
                    )
            if other_host == host:
                continue
            if other.settings.own_range and address in other.settings.own_range:
                yield Problem(
                    host,
                    "shim_address",
                    f"{address} is in the container_range of {other_host}",
                    "Choose one in this host's own range",
                )
            elif other.shim and other.shim.address == address:
                yield Problem(
                    host,
                    "shim_address",
                    f"{address} is the shim of {other_host} too",
                    "Give each host an address of its own",
                )


def _routed_subnets(plans: Mapping[str, HostPlan]) -> Iterator[Problem]:
    """Yield bridges that the network is to route to, and that two hosts have alike."""
    routed = {
        host: plan.settings.publish_subnet
        for host, plan in plans.items()
        if plan.settings.network_mode == "routed" and not plan.settings.routed_nat
    }
    for one, two in combinations(sorted(routed), 2):
        if routed[one].overlaps(routed[two]) and _subnet(plans[one]) == _subnet(plans[two]):
            yield Problem(
                one,
                "publish_subnet",
                f"{routed[one]} overlaps with {routed[two]} of {two}, and routed_nat is False",
                "Give each host a bridge of its own, for the network to route to",
            )


def _subnet(plan: HostPlan) -> IPv4Network | None:
    return plan.private.subnet if plan.private else None
