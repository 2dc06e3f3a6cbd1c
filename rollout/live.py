"""What runs on hosts right now: all of them asked at once."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

import gevent
from pyinfra.api import Host, State
from pyinfra.context import ctx_host

from facts.neighbours import Neighbours
from facts.running import Running, RunningState
from plan.model import HostPlan
from plan.neighbours import claimable
from rollout.observe import read_fact

Live = tuple[RunningState, Mapping[IPv4Address, str]]


def ask(state: State, plans: Mapping[str, HostPlan]) -> dict[str, Live]:
    """Return what runs and who answers for its addresses, by host; those that fail are left out."""
    hosts = {host.name: host for host in state.inventory.get_active_hosts()}
    jobs = {name: gevent.spawn(_ask, hosts[name], plan) for name, plan in plans.items()}
    gevent.joinall(list(jobs.values()), raise_error=True)
    return {name: job.value for name, job in jobs.items() if job.value is not None}


def _ask(host: Host, plan: HostPlan) -> Live | None:
    with ctx_host.use(host):
        running: RunningState | None = read_fact(host, Running)
        if running is None:
            return None
        addresses = list(map(str, claimable(plan)))
        answering = read_fact(host, Neighbours, addresses=addresses) if addresses else {}
    return None if answering is None else (running, answering)
