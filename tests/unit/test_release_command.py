"""The release command: who runs it, what it is refused with, what of its words is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from facts.podman import Container
from facts.proc import Listener
from plan.compare.changes import Changes, compare
from plan.model import HostPlan
from plan.observed import Observed
from plan.problems import PlanError
from plan.release_command import runner
from tests.unit import tunnels
from tests.unit.planned import altered, as_planned, observed, plan_one
from tests.unit.tunnels import text

COMMAND: dict[str, Any] = {"release_command": ["bin/ots", "migrate"]}
Fleet = tuple[dict[str, HostPlan], dict[str, Changes], dict[str, Observed]]


def fleet(**hosts: Observed) -> Fleet:
    plans = {name: plan_one(host) for name, host in hosts.items()}
    changes = {name: compare(plan, hosts[name].installed) for name, plan in plans.items()}
    return plans, changes, hosts


def deployed(host: Observed) -> Observed:
    return replace(host, installed=as_planned(plan_one(host)))


def test_runner_is_the_first_of_those_that_change() -> None:
    new, done, without = observed(**COMMAND), deployed(observed(**COMMAND)), observed()
    assert runner("abc", *fleet(a=new, b=new, c=new)) == "a"
    assert runner("cba", *fleet(a=new, b=new, c=new)) == "c"
    assert runner("abc", *fleet(a=done, b=without, c=new)) == "c"
    assert runner("ab", *fleet(a=done, b=without)) is None


def test_runner_behind_a_tunnel_has_one_that_runs() -> None:
    new = tunnels.host(**COMMAND)
    with pytest.raises(PlanError, match=r"a: release_command: it would reach .* and none does yet"):
        runner("ab", *fleet(a=new, b=new))
    sidecar = {"onetime-wg-7043": Container("onetime-wg-7043", True, "an older one")}
    live = replace(new, installed=altered(new.installed, containers=sidecar))
    assert runner("ab", *fleet(a=new, b=live)) == "b"
    stopped = {"onetime-wg-7043": Container("onetime-wg-7043", False, "an older one")}
    dead = replace(new, installed=altered(new.installed, containers=stopped))
    with pytest.raises(PlanError, match="none does yet"):
        runner("b", *fleet(b=dead))


def test_command_behind_a_tunnel_is_in_an_instances_network() -> None:
    data = text(plan_one(tunnels.host(**COMMAND)), "host/one-off")
    assert "--network=container:onetime-wg-7043\n" in data
    assert "--add-host" not in data


def test_one_off_container_is_limited_like_an_instance() -> None:
    opened: dict[str, Any] = {
        "new_privileges": True,
        "read_only": False,
        "capabilities": ["NET_BIND_SERVICE"],
    }
    limits: dict[str, Any] = {"memory": "1g", "timezone": "Europe/Vienna", "pids": 100}
    data = text(plan_one(observed(**COMMAND, **opened, **limits)), "host/one-off")
    for argument in ("cap-add=NET_BIND_SERVICE", "memory=1g", "tz=Europe/Vienna", "pids-limit=100"):
        assert f"--{argument}" in re.split("[\n']", data)
    assert "no-new-privileges" not in data
    assert "read-only" not in data


def test_database_on_the_host_is_where_the_command_runs() -> None:
    words = {"network_mode": "direct", "db_address": "host-gateway"}
    host = observed(**COMMAND, **words)
    listener = Listener(IPv4Address(0), 6379)
    network = replace(host.network, listeners=host.network.listeners | {listener}, resolved=None)
    data = text(plan_one(replace(host, network=network)), "host/one-off")
    assert "--add-host=maindb:127.0.0.1\n--hosts-file=none\n" in data


def test_release_without_a_command_has_the_program_too() -> None:
    paths = {file.path for file in plan_one(observed()).files}
    assert paths >= {"host/once.sh", "host/one-off"}


@pytest.mark.parametrize("word", ["environment", "secrets"])
def test_variable_of_two_words_is_refused(word: str) -> None:
    values: dict[str, Any] = {"environment": {"A": "1"}, "secrets": {"A": "env:A"}}
    with pytest.raises(PlanError, match=f"release_secrets: A is in {word} too"):
        observed(**COMMAND, release_secrets={"A": "env:A"}, **{word: values[word]})


def test_own_secrets_never_reach_a_release() -> None:
    host = replace(
        observed(**COMMAND, release_secrets={"TOKEN": "env:TOKEN"}),
        release_secrets={"TOKEN": "hunter2-hunter2"},
    )
    plan = plan_one(host)
    assert "hunter2" not in repr(host)
    for file in plan.files:
        assert "hunter2" not in file.content
        assert "TOKEN" not in file.content
