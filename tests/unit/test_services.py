"""The word `services`: names in containers, ways, rules and questions; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from facts.paths import PathAnswer, Paths
from facts.proc import Route
from plan.compare.verdicts import failures, parse_question, question
from plan.inventory.modes import MODES
from plan.observed import Observed
from tests.unit import tunnels
from tests.unit.planned import lines, observed, plan_one
from tests.unit.tunnels import text

AUTHDB = {"address": "10.0.0.30", "port": 5432, "protocol": "postgresql"}
RABBITMQ = {"address": "10.0.0.31", "port": 5671, "protocol": "amqp", "tls": True}
SERVICES = {"authdb": AUTHDB, "rabbitmq": RABBITMQ}


def host(mode: str = "macvlan", **data: Any) -> Observed:
    """Return a host of a mode with both services, its database at the address that it resolves."""
    if mode == "wireguard":
        return tunnels.host(**({"services": SERVICES} | data))
    return observed(**({"network_mode": mode, "services": SERVICES} | data))


@pytest.mark.parametrize("mode", MODES)
def test_names_of_services_are_in_the_containers(mode: str) -> None:
    plan = plan_one(host(mode))
    kind = "onetime-wg" if mode == "wireguard" else "onetime"
    container = text(plan, f"quadlet/{kind}@.container")
    database = "10.77.0.10" if mode == "wireguard" else "10.0.0.10"
    for name in (f"maindb:{database}", "authdb:10.0.0.30", "rabbitmq:10.0.0.31"):
        assert f"AddHost={name}\n" in container
    # The host's own file may say another address for a name.
    assert "PodmanArgs=--hosts-file=none\n" in container


def test_container_without_services_uses_the_names_of_its_host() -> None:
    container = text(plan_one(host(services={})), "quadlet/onetime@.container")
    assert "AddHost" not in container
    assert "hosts-file" not in container


def test_services_are_given_where_the_database_is_not() -> None:
    unresolved = replace(host("wireguard"), network=replace(host().network, resolved=None))
    assert "AddHost=authdb:10.0.0.30\n" in text(
        plan_one(unresolved), "quadlet/onetime-wg@.container"
    )


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.bridge])
def test_guard_lets_containers_reach_services_and_no_more(mode: str) -> None:
    guard = text(plan_one(host(mode, egress="services")), "host/guard.nft")
    assert "ip daddr 10.0.0.30 tcp dport 5432 counter accept" in guard
    assert "ip daddr 10.0.0.31 tcp dport 5671 counter accept" in guard
    without = text(plan_one(host(mode, egress="services", services={})), "host/guard.nft")
    assert "10.0.0.30" not in without


def test_service_on_the_host_itself_is_let_through_to() -> None:
    seen = host("routed", services={"authdb": AUTHDB | {"address": "10.0.0.15"}})
    rules = text(plan_one(seen), "host/rules.nft")
    assert 'iifname "onetime0" ip daddr 10.0.0.15 tcp dport 5432 counter' in rules


def test_way_to_a_service_behind_a_router_is_the_containers_too() -> None:
    seen = host(services={"authdb": AUTHDB | {"address": "10.5.0.9"}})
    block = Route("eth1", IPv4Network("10.5.0.0/16"), IPv4Address("10.0.0.1"), 0)
    network = replace(seen.network, routes=(*seen.network.routes, block))
    plan = plan_one(replace(seen, network=network))
    assert "PodmanArgs=--route=10.5.0.0/16,10.0.0.1\n" in text(plan, "quadlet/onetime.network")


def test_tunnel_leads_to_services_that_the_host_does_not_reach() -> None:
    away = AUTHDB | {"address": "10.78.0.30"}
    peers = text(plan_one(host("wireguard", services=SERVICES | {"away": away})), "host/peers")
    assert " 10.77.0.10/32,10.78.0.30/32 " in peers
    own = tunnels.peer(allowed_ips=["10.77.0.0/24"])
    assert " 10.77.0.0/24 " in text(plan_one(host("wireguard", wireguard=own)), "host/peers")


def test_each_instance_greets_each_service_by_its_protocol() -> None:
    asked = question(plan_one(host()))
    command = Paths().command(**asked.words)
    for port in (7043, 7044):
        for greeting in (
            "authdb greeting onetime-{} postgresql authdb 5432",
            "rabbitmq greeting onetime-{} tls rabbitmq 5671",
        ):
            assert f"say {port}/service/{greeting.format(port)} & " in command
    kept = text(plan_one(host()), "question.json")
    assert parse_question(kept) == asked
    without = kept.replace(kept[kept.index(',\n "services"') : kept.rindex("\n}")], "")
    assert parse_question(without) == replace(asked, services=())


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("answered", None),
        ("connected", None),
        ("+PONG", None),
        ("-NOPERM this user has no permissions", None),
        ("answered: ", None),
        ("closed", "something else than postgresql listens there"),
        ("head: Connection reset by peer\nclosed", "something else than postgresql"),
        ("timeout", "packets are dropped on the way: a firewall at the service"),
        ("bash: connect: Connection refused", "nothing listens on port 5432"),
        ("bash: connect: No route to host", "the service is down"),
        ("bash: authdb: Name or service not known", "hosts file has no authdb"),
        ('Error: no such object: "onetime-7043"', "the instance does not run"),
    ],
)
def test_answer_of_a_service_is_judged(answer: str, cause: str | None) -> None:
    asked = question(plan_one(host()))
    sentences = list(failures("h", asked, [PathAnswer(7043, "service/authdb", answer)]))
    assert len(sentences) == (cause is not None)
    for sentence in sentences:
        assert sentence.startswith("h: instance 7043 to the service authdb:5432: ")
        assert str(cause) in sentence


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"services": {"maindb": AUTHDB}}, "services: maindb is the database's name already"),
        (
            {"services": {"authdb": AUTHDB | {"address": "127.0.0.1"}}},
            "services: authdb is at 127.0.0.1, which is the container itself",
        ),
        (
            {"services": {"authdb": AUTHDB | {"address": "10.89.43.7"}}},
            "services: authdb is at 10.89.43.7, in publish_subnet 10.89.43.0/24",
        ),
        (
            {"services": {"authdb": AUTHDB | {"address": "10.0.0.130"}}},
            "container_range: 10.0.0.128/27 holds the service authdb, 10.0.0.130",
        ),
        (
            {"services": {"authdb": AUTHDB | {"address": "10.0.0.15"}}},
            "services: authdb is at 10.0.0.15, on the host itself",
        ),
        (
            {"services": SERVICES, "shim": True, "shim_address": "10.0.0.30"},
            "shim_address: 10.0.0.30 is the service authdb",
        ),
    ],
)
def test_service_where_it_cannot_be_is_refused(data: dict[str, Any], expected: str) -> None:
    (line,) = lines({"a": host(**data)})
    assert line.startswith(f"a: {expected}")


def test_service_over_the_shim_or_beside_the_host_is_taken() -> None:
    own = {"authdb": AUTHDB | {"address": "10.0.0.15"}}
    assert lines({"a": host(services=own, shim=True)}) == []
    loopback = {"authdb": AUTHDB | {"address": "127.0.0.1"}}
    assert lines({"a": host("host", services=loopback)}) == []


def test_service_in_the_range_of_another_host_is_refused() -> None:
    neighbour = observed(container_range="10.0.0.64/27")
    services = {"authdb": AUTHDB | {"address": "10.0.0.70"}}
    bystanders = {"b": neighbour.settings}
    (line,) = lines({"a": host(services=services)}, bystanders)
    assert line.startswith(
        "b: container_range: 10.0.0.64/27 holds the service authdb of a, 10.0.0.70"
    )
    assert lines({"a": host(services=SERVICES)}, bystanders) == []
