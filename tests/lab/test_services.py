"""Services beside the database, real ones: reached by name in every mode, and told where not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from lab import api, services
from plan.inventory.modes import MODES
from tests.lab import modes
from tests.lab.conftest import Fresh
from tests.lab.harness import OUTSIDE, PORTS, Site, check_paths, in_container, ssh

HOST = "plain15"
WORDS: dict[str, dict[str, Any]] = {
    "authdb": {"protocol": "postgresql"},
    "rabbitmq": {"protocol": "amqp"},
    "strict": {"protocol": "redis"},
    "strict-tls": {"protocol": "redis", "tls": True},
}
# What a client says first, and the first bytes of the service's own answer.
GREETINGS = {
    "authdb": (r"\0\0\0\10\4\322\26\57", "N"),
    "rabbitmq": (r"AMQP\0\0\11\1", r"\001"),
    "strict": (r"PING\r\n", "-"),
}


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, tuple[str, int]]]:
    yield services.up()
    for name in WORDS:
        services.stop(name)


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def words(places: dict[str, tuple[str, int]]) -> dict[str, dict[str, Any]]:
    return {
        name: {"address": places[name][0], "port": places[name][1], **more}
        for name, more in WORDS.items()
    }


def check_services(places: dict[str, tuple[str, int]]) -> None:
    """Greet each service from inside each container, by its name."""
    for port in PORTS:
        for name, (greeting, beginning) in GREETINGS.items():
            answer = in_container(
                HOST,
                port,
                f'printf "{greeting}" | timeout 5 nc {name} {places[name][1]} | '
                "head -c 1 | od -An -c",
            )
            assert answer.strip().startswith(beginning.lstrip("\\")), (name, answer)


# The kernel of the lab's machine makes no ipvlan links.
@pytest.mark.parametrize("mode", sorted({*MODES} - {"ipvlan"}))
def test_services_are_reached_in_every_mode(
    site: Site, places: dict[str, tuple[str, int]], mode: str
) -> None:
    modes.in_mode(site, mode, client=6, services=words(places)).deploy_twice()
    check_paths(site.hosts)
    check_services(places)


def test_egress_is_services_and_nothing_else(
    site: Site, places: dict[str, tuple[str, int]]
) -> None:
    closed = {"services": words(places), "egress": "services"}
    dataclasses.replace(site, everywhere=closed).deploy_twice()
    check_services(places)
    away = api.ssh(HOST, f"podman exec onetime-7043 wget -q -O - -T 3 http://{OUTSIDE}/")
    assert away.returncode != 0
    near = f"podman exec onetime-7043 nc -w 3 {places['authdb'][0]} 22 </dev/null"
    assert api.ssh(HOST, near).returncode != 0


def test_service_that_does_not_answer_is_told(
    site: Site, places: dict[str, tuple[str, int]]
) -> None:
    site = dataclasses.replace(site, everywhere={"services": words(places)})
    site.deploy_twice()
    running = ssh(HOST, "podman ps --format '{{.ID}}' | sort")
    services.stop("rabbitmq")
    run = site.deploy()
    assert run.code != 0, run.output
    told = "to the service rabbitmq:5672: "
    assert told in run.output
    assert "the machine is reached and nothing listens on port 5672" in run.output
    assert "authdb:5432" not in run.output
    assert ssh(HOST, "podman ps --format '{{.ID}}' | sort") == running
    services.up()
    site.deploy_twice()


def test_service_of_another_protocol_is_told(
    site: Site, places: dict[str, tuple[str, int]]
) -> None:
    address, port = places["authdb"]
    queue = {"rabbitmq": {"address": address, "port": port, "protocol": "amqp"}}
    run = dataclasses.replace(site, everywhere={"services": queue}).deploy()
    assert run.code != 0, run.output
    assert "something else than amqp listens there" in run.output
    dataclasses.replace(site, everywhere={"services": words(places)}).deploy_twice()
