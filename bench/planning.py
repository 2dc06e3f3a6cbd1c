"""How planning grows with the fleet: simulated hosts, planned and checked against each other.

Run it with `make bench`. No host is asked: what one would answer is made up for all of them.
"""

from __future__ import annotations

import dataclasses
import resource
import time
from ipaddress import IPv4Address, IPv4Network

from plan.fleet import plan_fleet
from plan.observed import Observed
from tests.unit.planned import observed

FLEETS = (10, 100, 1_000, 10_000)
# The first host's card and public address; every other has the next ones.
CARD, PUBLIC = IPv4Address("10.0.0.15"), IPv4Address("203.0.113.15")
# All are neighbours on one wide network, with ranges of their own: what is checked the most.
NARROW, WIDE = IPv4Network("10.0.0.0/24"), IPv4Network("10.0.0.0/8")
RANGES = IPv4Network("10.128.0.0/9").subnets(new_prefix=29)


def fleet(count: int) -> dict[str, Observed]:
    """Return hosts that have addresses of their own, and nothing of the deploy's yet."""
    host = observed()
    routes = tuple(
        dataclasses.replace(route, destination=WIDE) if route.destination == NARROW else route
        for route in host.network.routes
    )
    hosts = {}
    for number, container_range in zip(range(count), RANGES, strict=False):
        own = {CARD: CARD + number, PUBLIC: PUBLIC + number}
        addresses = tuple(own.get(address, address) for address in host.network.addresses)
        network = dataclasses.replace(host.network, addresses=addresses, routes=routes)
        words = observed(
            container_range=str(container_range), publish_subnet="172.30.0.0/24"
        ).settings
        hosts[f"app{number}"] = dataclasses.replace(host, network=network, settings=words)
    return hosts


def main() -> None:
    """Plan fleets of several sizes; print seconds, their ratio per host, and the memory."""
    plan_fleet(fleet(1), {})
    per_host: float | None = None
    for count in FLEETS:
        hosts = fleet(count)
        begun = time.process_time()
        plans = plan_fleet(hosts, {})
        seconds = time.process_time() - begun
        assert len(plans) == count  # noqa: S101 - or nothing was measured
        per_host = per_host or seconds / count
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        ratio = seconds / count / per_host
        print(
            f"planning {count} hosts: {seconds:.2f} s of CPU, {ratio:.1f} times as much per host "
            f"as for {FLEETS[0]}, {memory} MiB"
        )


if __name__ == "__main__":
    main()
