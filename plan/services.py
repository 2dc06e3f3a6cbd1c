"""What the containers need of others, the database and `services`: where it may not be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from plan.inventory.settings import Settings
from plan.model import HostPlan
from plan.problems import Problem


def check_services(host: str, settings: Settings) -> Iterator[Problem]:
    """Yield what keeps a container from reaching a service, whatever the mode does."""
    for name, service in settings.services.items():
        if name == settings.db_host:
            yield Problem(
                host,
                "services",
                f"{name} is the database's name already",
                "Leave it out: db_host, db_address and db_port say where the database is",
            )
        elif settings.mode.bridge and service.address.is_loopback:
            yield Problem(
                host,
                "services",
                f"{name} is at {service.address}, which is the container itself in there",
                "Give the address on the private network, or use network_mode host",
            )
        elif settings.mode.bridge and service.address in settings.publish_subnet:
            yield Problem(
                host,
                "services",
                f"{name} is at {service.address}, in publish_subnet {settings.publish_subnet}",
                "Choose another publish_subnet, or give the address on the private network",
            )


def check_ranges(
    plans: Mapping[str, HostPlan], settings: Mapping[str, Settings]
) -> Iterator[Problem]:
    """Yield databases and services of hosts that are in the range of another host's containers.

    + settings: those of every host of the inventory
    """
    ranges = {name: words.own_range for name, words in settings.items() if words.own_range}
    holders: dict[IPv4Address, str | None] = {}
    for host, plan in plans.items():
        for label, (address, _) in plan.endpoints.items():
            if address not in holders:
                holders[address] = next(
                    (name for name, own in ranges.items() if address in own), None
                )
            holder = holders[address]
            # A host's own range is its mode's to refuse.
            if holder and holder != host:
                yield Problem(
                    holder,
                    "container_range",
                    f"{ranges[holder]} holds the {label} of {host}, {address}",
                    "Choose a range that nothing else uses",
                )
