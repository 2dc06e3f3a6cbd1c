"""What of somebody else's setup the next deploy takes over, and why not of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from facts.podman import Container, PodmanNetwork
from facts.proc import Listener
from plan.adoption.takeover import Takeover, plan_takeover
from plan.checks import check_host
from plan.compare.releases import has_traces
from plan.problems import PlanError
from tests.unit.foreign import ENVIRONMENT, RECIPE, TOOL, container, foreign
from tests.unit.observed import network, settings
from tests.unit.planned import altered, fresh, observed, plan_one

ACTIVE = ("onetime-web@7043", "onetime-web@7044")


def taken(
    root: Path, units: Mapping[str, str] = TOOL, *, active: Any = ACTIVE, **fields: Any
) -> Takeover:
    """Return what is taken over of a host with these unit files."""
    environments = {"env": ENVIRONMENT, "env-7043": ENVIRONMENT}
    state = foreign(root, units, environments, active=active, **fields)
    return plan_takeover("app1", settings(), state)


def test_units_on_the_hosts_network_are_taken_over(tmp_path: Path) -> None:
    units = {
        **TOOL,
        "onetime-web@.container.d/a.conf": "[Container]\nTimezone=UTC\n",
        "onetime-web@7043.container.d/b.conf": "[Container]\nTimezone=UTC\n",
        "container.d/everybody.conf": "[Container]\nTimezone=UTC\n",
    }
    found = taken(tmp_path, units, active=(*ACTIVE, "onetime-worker@1"))
    files = [f"{tmp_path}/onetime-web@{part}" for part in (".container", ".container.d/a.conf")]
    files.append(f"{tmp_path}/onetime-web@7043.container.d/b.conf")
    assert found.units == {7043: "onetime-web@7043.service", 7044: "onetime-web@7044.service"}
    assert found.files == tuple(sorted(files))
    assert found.text == (
        "unit 7043 onetime-web@7043.service\nunit 7044 onetime-web@7044.service\n"
        + "".join(f"file {file}\n" for file in sorted(files))
    )


def test_unit_that_is_no_template_is_taken_over(tmp_path: Path) -> None:
    unit = TOOL["onetime-web@.container"].replace("%i", "7043")
    units = {
        "onetime-only.container": unit,
        "onetime-only.container.d/a.conf": "[Container]\nTimezone=UTC\n",
    }
    found = taken(tmp_path, units)
    assert found.units == {7043: "onetime-only.service"}
    assert len(found.files) == 2


def test_units_of_the_deploys_own_names_stop_together(tmp_path: Path) -> None:
    drop_in = {"onetime.network.d/a.conf": "[Network]\nNetworkName=onetime\n"}
    found = taken(tmp_path, RECIPE | drop_in, active=["onetime@7043", "onetime@7044"])
    assert found.units == {}
    assert found.text == (
        "together 7043 onetime@7043.service\ntogether 7044 onetime@7044.service\nnetwork onetime\n"
        + "".join(
            f"file {tmp_path}/{name}\n"
            for name in ("onetime.network", "onetime.network.d/a.conf", "onetime@.container")
        )
    )


def test_units_on_networks_of_their_own_stop_together(tmp_path: Path) -> None:
    units = {
        "onetime-web@.container": RECIPE["onetime@.container"],
        "onetime.network": RECIPE["onetime.network"],
    }
    found = taken(tmp_path, units, active=["onetime-web@7043"])
    assert found.together == {7043: "onetime-web@7043.service"}
    assert found.networks == ("systemd-onetime",)


def test_network_without_a_unit_stays(tmp_path: Path) -> None:
    units = {"onetime-web@.container": "[Container]\nNetwork=theirs\nPublishPort=%i:3000\n"}
    found = taken(tmp_path, units, active=["onetime-web@7043"])
    assert (found.together, found.networks) == ({7043: "onetime-web@7043.service"}, ())


@pytest.mark.parametrize(
    ("units", "active", "problem"),
    [
        (TOOL, ["onetime-web@7050"], "onetime-web@7050.service has port 7050, and the inventory"),
        (TOOL | {"onetime-web@.container": "[Container]\nNetwork=host\n"}, ["onetime-web@x"], "no"),
        (
            {"onetime-web@.container": "[Container]\nNetwork=host\nEnvironment=PORT=7043\n"},
            ["onetime-web@a$b"],
            "characters that are not passed on",
        ),
        ({}, [], "no web instance of the app is there"),
    ],
)
def test_what_cannot_be_taken_over_is_told(
    tmp_path: Path, units: Mapping[str, str], active: list[str], problem: str
) -> None:
    with pytest.raises(PlanError) as error:
        taken(tmp_path, units, active=active)
    assert problem in str(error.value)


def test_container_without_a_unit_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="the container onetime-7043 has no unit file"):
        taken(tmp_path, containers=[container("onetime-7043", mode="host")])


def test_verb_without_root_takes_nothing_over(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="ssh_user: the verb does not run as root there"):
        taken(tmp_path, user=1000)


def test_port_that_is_taken_over_may_be_listened_on() -> None:
    words, net = settings(), network("plain")
    taken_ports = {Listener(IPv4Address(0), port) for port in words.instances}
    listening = replace(net, listeners=net.listeners | taken_ports)
    state = fresh()
    found = [problem.observation for problem in check_host("app1", words, listening, state)]
    assert len(found) == 2
    assert all("something else listens on port" in text for text in found)
    adopting = {7043: "onetime-web@7043.service"}
    state = altered(state, systemd=replace(state.systemd, adopting=adopting))
    (problem,) = check_host("app1", words, listening, state)
    assert "something else listens on port 7044" in problem.observation


def test_what_is_to_be_taken_over_may_carry_the_deploys_names() -> None:
    state = fresh()
    containers = {"onetime-7043": Container("onetime-7043", True, None)}
    networks = {"onetime": PodmanNetwork("onetime", (), None)}
    state = altered(state, containers=containers, networks=networks)
    (problem,) = check_host("app1", settings(), network("plain"), state)
    assert "the container onetime-7043, the Podman network onetime" in problem.observation
    systemd = replace(
        state.systemd,
        adopting={7043: "onetime@7043.service"},
        adopting_networks=frozenset({"onetime"}),
    )
    state = altered(state, systemd=systemd)
    assert list(check_host("app1", settings(), network("plain"), state)) == []


def test_what_is_to_be_taken_over_is_told_by_a_plan() -> None:
    host = observed()
    adopting = {7043: "onetime-web@7043.service", 7050: "onetime-web@7050.service"}
    systemd = replace(host.installed.systemd, adopting=adopting)
    host = replace(host, installed=altered(host.installed, systemd=systemd))
    told = [text for text in plan_one(host).warnings if "onetime-web@" in text]
    assert len(told) == 1
    assert "onetime-web@7043.service stops before" in told[0]


def test_what_was_handed_over_is_a_trace_of_the_deploy() -> None:
    state = fresh()
    assert not has_traces(state)
    adopting = replace(state.systemd, adopting={7043: "onetime-web@7043.service"})
    assert has_traces(altered(state, systemd=adopting))
