"""Plan a whole inventory: each host by itself, then what only all of them together can tell."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

import names
from plan.app import check_shared
from plan.host import plan_host
from plan.inventory.settings import Settings
from plan.jobs import check_scheduler
from plan.model import HostPlan
from plan.neighbours import check_addresses
from plan.network import addresses
from plan.network.detect import detect
from plan.observed import Observed
from plan.problems import PlanError, Problem
from plan.release.address_drop_ins import read_addresses
from plan.services import check_ranges
from plan.tunnel_ends import check_tunnels


def probes(host: Observed) -> tuple[IPv4Address, ...]:
    """Return the addresses that nobody on the LAN may answer for: ours that do not run yet.

    None where the host's private network cannot be told or does not hold its range: then planning
    it refuses it.
    """
    settings, installed = host.settings, host.installed
    if settings.own_range is None:
        return ()
    try:
        private = detect("", settings, host.network)
    except PlanError:
        return ()
    if not settings.own_range.subnet_of(private.subnet):
        return ()
    live = read_addresses(installed.release.drop_ins)
    allocation = addresses.allocation(settings, private.subnet, live)
    asked = [
        address
        for member, address in allocation.addresses.items()
        if not (
            (container := installed.podman.containers.get(names.member_container(member)))
            and container.running
            and live.get(member) == address
        )
    ]
    shim = settings.own_shim
    if shim and not (installed.shim and f"{shim}/32" in installed.shim.addresses):
        asked.append(shim)
    return tuple(asked)


def plan_fleet(
    observed: Mapping[str, Observed], bystanders: Mapping[str, Settings]
) -> dict[str, HostPlan]:
    """Return a plan per observed host; raise `PlanError` with every problem of every host.

    + bystanders: settings of the inventory's other hosts, which this run leaves alone
    """
    plans, problems = try_fleet(observed, bystanders)
    if problems:
        raise PlanError(problems)
    return plans


def try_fleet(
    observed: Mapping[str, Observed], bystanders: Mapping[str, Settings]
) -> tuple[dict[str, HostPlan], list[Problem]]:
    """Return the plans of the hosts that can be planned by themselves, and every problem."""
    plans: dict[str, HostPlan] = {}
    problems: list[Problem] = []
    for name, host in sorted(observed.items()):
        try:
            plans[name] = plan_host(
                name,
                host.settings,
                host.network,
                host.installed,
                secrets=host.secrets,
                files=host.files,
                keys=host.keys,
                archives=host.archives,
                tag=host.tag,
            )
        except PlanError as error:
            problems += error.problems
    settings = {name: host.settings for name, host in observed.items()} | dict(bystanders)
    problems += check_addresses(plans, settings, observed)
    problems += check_ranges(plans, settings)
    problems += check_scheduler(settings)
    problems += check_shared(observed)
    problems += check_tunnels(settings, {name: host.secrets for name, host in observed.items()})
    return plans, problems
