"""Plan a whole inventory: each host by itself, then what only all of them together can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import combinations, permutations

from facts.installed import InstalledState
from facts.network import HostNetwork
from plan import addresses
from plan.cards import PRIVATE_BLOCKS
from plan.host import installed_addresses, plan_host
from plan.model import HostPlan
from plan.problems import PlanError, Problem
from plan.settings import Settings
from plan.wireguard import private_key


@dataclass(frozen=True)
class Observed:
    """What is known of one host: what it should be, and what it is.

    + keys: names of the environment variables that overrode a setting, by setting
    + archives: sizes of the images' archives, in bytes, by path
    """

    settings: Settings
    network: HostNetwork
    installed: InstalledState
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    keys: Mapping[str, str] = field(default_factory=dict)
    archives: Mapping[str, int] = field(default_factory=dict)


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
    if settings.shim and not (installed.shim and f"{shim}/32" in installed.shim.addresses):
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
                archives=seen.archives,
            )
        except PlanError as error:
            problems += error.problems
    for plan in plans.values():
        problems += _answering(plan, observed)
        problems += _own_addresses(plan, observed)
    settings = {host: seen.settings for host, seen in observed.items()} | dict(bystanders)
    problems += _ranges(plans, settings)
    problems += _shims(plans, settings)
    problems += _routed_subnets(plans)
    problems += _tunnels(settings, observed)
    if problems:
        raise PlanError(problems)
    return plans


def _answering(plan: HostPlan, observed: Mapping[str, Observed]) -> Iterator[Problem]:
    """Yield addresses that somebody on the LAN has; hosts' own are told by another check."""
    ours = {instance.address: f"instance {instance.port}" for instance in plan.instances}
    if plan.shim:
        ours[plan.shim.address] = "the shim"
    hosts = {address for seen in observed.values() for address in seen.network.addresses}
    instances = {
        address: f" (instance {port} of {host})"
        for host, seen in observed.items()
        for port, address in installed_addresses(seen.installed).items()
    }
    for address, mac in observed[plan.host].network.answering.items():
        if address in ours and address not in hosts:
            who = f"{mac}{instances.get(address, '')}"
            yield Problem(
                plan.host,
                "shim_address" if address == plan.settings.shim_address else "container_range",
                f"{address}, meant for {ours[address]}, is answered by {who} on the LAN",
                "Choose what nothing else uses, or free the address",
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
            elif plan.shim and address == plan.shim.address:
                yield Problem(
                    plan.host,
                    "shim_address",
                    f"{address} is {whose}",
                    "Leave it out to use the first address of container_range",
                )


def _ranges(plans: Mapping[str, HostPlan], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    for one, two in combinations(sorted(settings), 2):
        first, second = settings[one].own_range, settings[two].own_range
        if first and second and first.overlaps(second) and _may_meet(one, two, plans):
            yield Problem(
                one,
                "container_range",
                f"{first} overlaps with {second} of {two}",
                "Give each host a range of its own: Podman knows its own host's addresses only",
            )


def _shims(plans: Mapping[str, HostPlan], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    """Yield shims outside their host's range at an address that another host may use."""
    for one, two in permutations(sorted(settings), 2):
        address, own, other = settings[one].own_shim, settings[one].own_range, settings[two]
        if not address or not own or address in own or not _may_meet(one, two, plans):
            continue
        used = plans[two].instances if two in plans else ()
        if instance := next((i for i in used if i.address == address), None):
            whose = f"instance {instance.port}'s on {two}"
        elif other.own_range and address in other.own_range:
            whose = f"in the container_range of {two}"
        elif address == other.own_shim and one < two:
            whose = f"the shim of {two} too"
        else:
            continue
        advice = "Leave it out to use the first address of container_range"
        yield Problem(one, "shim_address", f"{address} is {whose}", advice)


def _may_meet(one: str, two: str, plans: Mapping[str, HostPlan]) -> bool:
    """Tell whether hosts may be on one subnet; only those known to be on different ones are not."""
    subnets = {_subnet(plans[host]) for host in (one, two) if host in plans}
    return len(subnets - {None}) < 2  # noqa: PLR2004


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


def _tunnels(
    settings: Mapping[str, Settings], observed: Mapping[str, Observed]
) -> Iterator[Problem]:
    """Yield addresses and keys that tunnels of two hosts have in common, where they share a peer.

    Keys of hosts that this run leaves alone are not known.
    """
    tunnels = {host: seen.tunnel for host, seen in settings.items() if seen.tunnel}
    for one, two in combinations(sorted(tunnels), 2):
        first, second = tunnels[one], tunnels[two]
        if not {p.public_key for p in first.peers} & {p.public_key for p in second.peers}:
            continue
        ends = [
            (name, port, tunnel.instances[port])
            for name, tunnel in ((one, first), (two, second))
            for port in settings[name].instances
            if port in tunnel.instances
        ]
        private = {
            (name, port): observed[name].secrets.get(private_key(port))
            for name, port, _ in ends
            if name in observed
        }
        for (host, port, ours), (other, its, theirs) in combinations(ends, 2):
            shared = []
            if ours.address == theirs.address:
                shared.append(f"{ours.address} is the address")
            key = private.get((host, port))
            if key is not None and key == private.get((other, its)):
                shared.append(f"the private key of instance {port} is that")
            for what in shared if host != other else ():
                yield Problem(
                    host,
                    "wireguard",
                    f"{what} of instance {its} of {other} too",
                    "Give each instance, on any host, a key and an address of its own",
                )
