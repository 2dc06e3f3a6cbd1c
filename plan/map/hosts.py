"""What a map is drawn from: hosts as they are planned, and as they were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from plan.compare.status import Row
from plan.inventory.settings import Settings
from plan.inventory.values import Member
from plan.model import HostPlan, InstancePlan, MemberPlan
from plan.release.address_drop_ins import read_bridge_addresses

_GOOD, _WAITING = {"healthy", "up"}, {"starting", "activating"}
# From the best to the worst.
_VERDICTS = ("", "good", "waiting", "bad")


@dataclass(frozen=True)
class Verdict:
    """How something is.

    + kind: none where it was not asked, good, waiting or bad
    """

    kind: str = ""
    text: str = ""


@dataclass(frozen=True)
class MapHost:
    """One host of a map.

    + plan: none for a host that cannot be planned, or that the run leaves alone
    + rows: what runs there, none where it was not asked
    + findings: a sentence for each thing that is not as it should be
    + answering: who on the LAN answers for addresses of its own, as a MAC
    """

    name: str
    settings: Settings
    plan: HostPlan | None = None
    rows: tuple[Row, ...] = ()
    findings: tuple[str, ...] = ()
    answering: Mapping[IPv4Address, str] = field(default_factory=dict)

    def verdict(self, member: MemberPlan) -> Verdict:
        """Return how a container is, or its sidecar where that is worse."""
        verdicts = [_verdict(row) for row in self.rows if row.instance == str(key(member))]
        return max(verdicts, key=lambda verdict: _VERDICTS.index(verdict.kind), default=Verdict())


def _verdict(row: Row) -> Verdict:
    text = ", ".join(filter(None, (row.health, row.drift)))
    if row.health in _GOOD:
        return Verdict("waiting" if row.drift else "good", text)
    return Verdict("waiting" if row.health in _WAITING else "bad", text)


def key(member: MemberPlan) -> Member:
    """Return the port of an instance, or the name of a job."""
    return member.port if isinstance(member, InstancePlan) else member.name


def bridge_places(plan: HostPlan) -> dict[Member, IPv4Address]:
    """Return where each container is on the bridge, from the plan's own files."""
    return read_bridge_addresses({file.path: file.content for file in plan.files})


@dataclass(frozen=True)
class Endpoint:
    """What containers reach: by its name, at a place that is told; no address has the rest.

    + outside: it is the world beyond the private network
    """

    name: str
    place: str
    address: IPv4Address | None = None
    outside: bool = False


def endpoint_name(plan: HostPlan, endpoint: str) -> str:
    """Return the name by which containers know one of their plan's endpoints."""
    return plan.settings.db_host if endpoint == "database" else endpoint.removeprefix("service ")


def endpoints(plan: HostPlan) -> tuple[Endpoint, ...]:
    """Return what the containers of a host reach: database, services, and the world outside."""
    settings = plan.settings
    reached = [
        Endpoint(endpoint_name(plan, endpoint), f"{address}:{port}", address)
        for endpoint, (address, port) in plan.endpoints.items()
    ]
    if settings.db_address == "host-gateway":
        reached.insert(0, Endpoint(settings.db_host, f"the host, port {settings.db_port}"))
    if settings.egress != "services":
        reached.append(Endpoint("the world outside", "all that egress allows", outside=True))
    return tuple(reached)
