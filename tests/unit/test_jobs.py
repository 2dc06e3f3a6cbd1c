"""The words `workers` and `scheduler`: units of their own, in every mode, one scheduler in all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facts.podman import Container
from plan.compare.changes import compare
from plan.inventory.modes import MODES
from plan.jobs import check_scheduler, scheduler_runs
from plan.observed import Observed
from plan.release.address_drop_ins import read_addresses, read_bridge_addresses
from plan.release.render import unit_words
from tests.unit import tunnels
from tests.unit.planned import altered, as_planned, lines, observed, plan_one
from tests.unit.tunnels import text

JOBS: dict[str, Any] = {"workers": ["emails"], "scheduler": True}


def host(mode: str = "macvlan", **data: Any) -> Observed:
    if mode == "wireguard":
        return tunnels.host(**(JOBS | data))
    return observed(**(JOBS | {"network_mode": mode} | data))


@pytest.mark.parametrize("mode", MODES)
def test_jobs_are_units_of_their_own(mode: str) -> None:
    plan = plan_one(host(mode))
    assert [job.name for job in plan.jobs] == ["emails", "scheduler"]
    template = text(plan, "quadlet/onetime-job@.container")
    assert "Notify=healthy" not in template
    assert "gate.sh" not in template
    assert "ReadOnly=true\n" in template
    commands = {"emails": '"bin/ots" "worker"', "scheduler": '"bin/ots" "scheduler"'}
    stops = {"emails": 90, "scheduler": 60}
    for job, command in commands.items():
        drop_in = text(plan, f"quadlet/onetime-job@{job}.container.d/job.conf")
        assert f'Exec="bin/entrypoint.sh" {command}\n' in drop_in
        assert f"StopTimeout={stops[job]}\n" in drop_in
    links = {link.path: link.target for link in plan.links}
    assert links["quadlet/onetime-job@emails.container"] == "onetime-job@.container"


def test_workers_are_asked_by_a_command_of_their_own() -> None:
    plan = plan_one(host(worker_health_command="bin/ots worker --check"))
    worker = text(plan, "quadlet/onetime-job@emails.container.d/job.conf")
    assert "Notify=healthy\nHealthCmd=bin/ots worker --check\n" in worker
    assert "Health" not in text(plan, "quadlet/onetime-job@scheduler.container.d/job.conf")


def test_jobs_have_places_of_their_own_on_both_networks() -> None:
    plan = plan_one(host())
    drop_ins = {file.path: file.content for file in plan.files if "address.conf" in file.path}
    for addresses in (read_addresses(drop_ins), read_bridge_addresses(drop_ins)):
        assert addresses.keys() == {7043, 7044, "emails", "scheduler"}
        assert len(set(addresses.values())) == len(addresses)
    assert read_addresses(drop_ins)["emails"] == plan.jobs[0].address
    # Ports lead to instances alone.
    assert text(plan, "host/rules.nft").count("dnat to") == 4


def test_jobs_behind_a_tunnel_share_the_first_instances() -> None:
    plan = plan_one(host("wireguard"))
    template = text(plan, "quadlet/onetime-job@.container")
    assert "Network=container:onetime-wg-7043\n" in template
    assert "BindsTo=onetime-wg@7043.service\n" in template
    assert not any("onetime-job@emails.container.d/address" in file.path for file in plan.files)


def test_jobs_on_the_hosts_own_network_are_there_too() -> None:
    assert "Network=host\n" in text(plan_one(host("host")), "quadlet/onetime-job@.container")


def test_host_without_jobs_has_nothing_of_them() -> None:
    assert not any("onetime-job" in file.path for file in plan_one(observed()).files)


def test_only_what_differs_starts() -> None:
    before = host()
    deployed = replace(before, installed=as_planned(plan_one(before)))
    assert not compare(plan_one(deployed), deployed.installed).any
    slower = host(worker_command=["bin/ots", "worker", "--slow"])
    changes = compare(plan_one(slower), deployed.installed)
    assert (changes.restart, changes.jobs) == ((), ("emails",))
    both = host(environment={"A": "1"})
    changes = compare(plan_one(both), deployed.installed)
    assert (changes.restart, changes.jobs) == ((7043, 7044), ("emails", "scheduler"))


def test_job_that_left_the_inventory_is_stopped() -> None:
    before = host()
    deployed = replace(before, installed=as_planned(plan_one(before)))
    changes = compare(plan_one(observed()), deployed.installed)
    assert changes.stop_jobs == ("emails", "scheduler")
    assert changes.restart == ()


def test_job_of_an_older_image_starts_anew() -> None:
    plan = plan_one(host())
    installed = as_planned(plan)
    config = plan.jobs[0].config
    stale = Container("onetime-job-emails", True, config, "sha256:0")
    containers = {**installed.podman.containers, stale.name: stale}
    changes = compare(plan, altered(installed, containers=containers))
    assert changes.jobs == ("emails",)


def test_container_of_somebody_elses_in_a_jobs_place_is_refused() -> None:
    containers = {"onetime-job-emails": Container("onetime-job-emails", True, None)}
    seen = host()
    seen = replace(seen, installed=altered(seen.installed, containers=containers))
    (line,) = lines({"a": seen})
    assert "did not make the container onetime-job-emails" in line


def test_scheduler_is_one_in_all() -> None:
    one, none = host().settings, observed().settings
    assert list(check_scheduler({"a": none, "b": one, "c": none})) == []
    (problem,) = check_scheduler({"a": one, "b": none, "c": one})
    assert str(problem).startswith("c: scheduler: a has one, too")


def test_scheduler_that_is_at_work_is_known() -> None:
    assert scheduler_runs(as_planned(plan_one(host())))
    assert not scheduler_runs(as_planned(plan_one(observed())))


def test_words_of_a_command_arrive_as_they_are() -> None:
    assert unit_words(["a b", 'c"d', "e\\f", "5%", "$x"]) == '"a b" "c\\"d" "e\\\\f" "5%%" "$$x"'
