"""Every path is walked hop by hop: a whole host has none broken, and a fault its own cause."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from facts.firewall import Translation
from facts.running import RunningContainer, RunningUnit
from names import HOST_UNIT, IMAGE_STORE
from plan.diagnosis.scene import Scene
from plan.diagnosis.trails import trails, verdicts
from plan.observed import Observed
from tests.unit import tunnels
from tests.unit.observed import FIXTURES
from tests.unit.planned import observed
from tests.unit.scenes import SERVICES, answers, causes, scene, seen, trail, way
from tests.unit.test_status import DRAIN

ROOT = FIXTURES.parents[1]
DATABASE = IPv4Address("10.0.0.10")


@pytest.mark.parametrize(
    "host",
    [
        observed(),
        observed(shim=True, services=SERVICES),
        observed(network_mode="routed"),
        observed(network_mode="direct", db_address="10.0.0.10"),
        observed(network_mode="host"),
        tunnels.host(),
    ],
    ids=["macvlan", "shim", "routed", "direct", "host", "wireguard"],
)
def test_whole_host_has_no_broken_path(host: Observed) -> None:
    base = scene(host)
    if not base.plan.settings.mode.bridge:
        listening = {f"onetime-{port}": frozenset({port}) for port in (7043, 7044)}
        base = replace(base, way=replace(base.way, listening=listening))
    assert causes(base) == []
    assert causes(replace(base, answers=answers(base.plan), answering={})) == []
    titles = [it.title for it in trails(base)]
    assert len(set(titles)) == len(titles)
    assert "h 7043 client to app" in titles


BASE = scene()
STOPPED = {"onetime@7043.service": RunningUnit("inactive", 0, None)}
UNITS = BASE.running.units


def units(state: str, restarts: int = 0) -> Scene:
    unit = RunningUnit(state, restarts, None)
    return replace(
        BASE, running=replace(BASE.running, units={**UNITS, "onetime@7043.service": unit})
    )


def of_host(**fields: Any) -> Scene:
    """Return a host whose first instance does not run, and of which the fields are so."""
    return seen(units("inactive"), **fields)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (units("inactive"), "unit-stopped"),
        (units("failed"), "unit-failed"),
        (units("activating", 7), "crash-loop"),
        (units("activating"), "unit-starting"),
        (replace(BASE, running=replace(BASE.running, units={})), "unit-stopped"),
        (of_host(images={}), "image-gone"),
        (of_host(space={IMAGE_STORE: 5 << 20}), "disk-full"),
        (of_host(space={IMAGE_STORE: 5 << 30}, inodes={IMAGE_STORE: 3}), "inodes-full"),
        (of_host(loaded=frozenset()), "units-not-loaded"),
        (seen(BASE, links={}), "boot-link-missing"),
        (replace(BASE, running=replace(BASE.running, change=(3, 4))), "change-unfinished"),
        (replace(BASE, running=replace(BASE.running, containers={})), "container-missing"),
        (replace(BASE, running=replace(BASE.running, closed=frozenset({7043}))), "gate-closed"),
        (
            replace(
                BASE,
                running=replace(BASE.running, closed=frozenset({7043}), drain=DRAIN),
            ),
            "drained",
        ),
        (seen(BASE, forwarding=False), "forwarding-off"),
        (seen(BASE, rules={}), "rules-missing"),
        (seen(BASE, barriers={"inet filter forward": "forward"}), "firewall-drops"),
        (seen(BASE, shim=None), "shim-missing"),
        (seen(BASE, unguarded=frozenset({"onetime-7043"})), "guard-missing"),
        (seen(BASE, networks={}), "network-edited"),
        (
            seen(BASE, translated=frozenset({Translation(7000, 7100, None)})),
            "port-translated",
        ),
        (replace(BASE, way=way(BASE.plan, listening={})), "not-listening"),
        (replace(BASE, way=way(BASE.plan, connections=(9, 9))), "conntrack-full"),
        (replace(BASE, way=way(BASE.plan, carriers={"eth1": False})), "card-down"),
        (replace(BASE, way=way(BASE.plan, routes={DATABASE: "tun0"})), "route-wrong"),
        (
            replace(BASE, way=way(BASE.plan, neighbours={"onetime-7043": {DATABASE: "FAILED"}})),
            "service-silent",
        ),
        (
            replace(
                BASE,
                way=way(BASE.plan, neighbours={"onetime-7043": {DATABASE: "INCOMPLETE"}}),
                answers=answers(BASE.plan, database="No route to host"),
                answering={DATABASE: "52:54:00:12:34:56"},
            ),
            "foreign-macs-dropped",
        ),
    ],
)
def test_first_broken_hop_names_the_cause(found: Scene, cause: str) -> None:
    assert causes(found)[0] == cause


def test_unhealthy_app_is_told_with_what_it_says_itself() -> None:
    sick = RunningContainer("x", "unhealthy")
    containers = {**BASE.running.containers, "onetime-7043": sick}
    found = replace(BASE, running=replace(BASE.running, containers=containers))
    assert causes(found) == ["unhealthy"]
    quiet = {**BASE.running.containers, "onetime-7043": RunningContainer("x", "")}
    found = replace(BASE, running=replace(BASE.running, containers=quiet))
    assert causes(found) == []
    hops = trail(found, "client to app").hops
    assert next(hop.name for hop in hops if hop.verdict == "unknown") == "health"


@pytest.mark.parametrize(
    ("path", "text", "cause"),
    [
        ("database", "connect: Connection refused", "service-refuses"),
        ("database", "No route to host", "service-silent"),
        ("database", "timeout", "packets-dropped"),
        ("database", "maindb: Name or service not known", "name-unresolved"),
        ("service/db2", "closed", "service-closes"),
        ("host/127.0.0.1", "HTTP/1.1 500 Internal Server Error", "app-unhealthy"),
        ("host/127.0.0.1", "timeout", "no-answer"),
        ("host/127.0.0.1", "", "no-answer"),
    ],
)
def test_answer_that_is_none_is_the_last_hop(path: str, text: str, cause: str) -> None:
    found = replace(BASE, answers=answers(BASE.plan, **{path: text}), answering={})
    assert causes(found) == [cause]


def test_silence_behind_a_tunnel_is_the_tunnels() -> None:
    base = scene(tunnels.host())
    found = replace(base, answers=answers(base.plan, database="timeout"), answering={})
    assert causes(found) == ["tunnel-silent"]
    silent = dict.fromkeys(base.way.handshakes)
    assert causes(replace(base, way=replace(base.way, handshakes=silent))) == ["tunnel-silent"]


def test_address_that_another_answers_for_is_told() -> None:
    address = BASE.plan.mode.addresses[7043]
    found = replace(BASE, answers=answers(BASE.plan), answering={address: "02:00:00:00:00:01"})
    assert causes(found) == ["address-taken"]


def test_nothing_is_judged_behind_the_break() -> None:
    broken = trail(units("inactive"), "client to app")
    position = [hop.verdict for hop in broken.hops].index("broken")
    assert all(hop.verdict in {"ok", "unknown"} for hop in broken.hops[:position])
    behind = broken.hops[position + 1 :]
    assert behind
    assert all((hop.verdict, hop.observed, hop.mend) == ("not reached", "", "") for hop in behind)
    assert broken.broken == broken.hops[position]


def test_each_cause_is_one_sentence_with_its_mend() -> None:
    (sentence,) = verdicts(trails(units("inactive")))
    assert sentence.startswith("unit-stopped: 3 paths, first h 7043 app to database, at its unit: ")
    assert sentence.endswith(" systemctl start onetime@7043.service")
    assert list(verdicts(trails(BASE))) == []


def test_host_without_a_private_card_has_the_one_in_use() -> None:
    base = scene(observed(network_mode="direct", db_address="10.0.0.10"))
    alone = replace(base, plan=replace(base.plan, private=None))
    assert "card" in [hop.name for hop in trail(alone, "app to database").hops]
    nowhere = replace(alone, way=way(base.plan, routes={}))
    assert "card" not in [hop.name for hop in trail(nowhere, "app to database").hops]


def test_left_shim_is_told_from_a_missing_one() -> None:
    without = scene(observed())
    left = seen(without, shim=BASE.observed.installed.shim)
    assert causes(left) == ["shim-left"]


def test_failed_host_unit_is_a_matter_of_rules() -> None:
    states = {**BASE.observed.installed.systemd.units, HOST_UNIT: "failed"}
    assert causes(seen(BASE, units=states)) == ["rules-missing"]
    states = {**BASE.observed.installed.systemd.units, "onetime-firewall.service": "failed"}
    assert causes(seen(BASE, units=states)) == ["watcher-stopped"]


def test_every_cause_is_explained() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "plan/diagnosis").glob("*.py"))
    codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)+|drained|unhealthy)"', sources))
    page = (ROOT / "docs/troubleshooting.md").read_text()
    _, _, table = page.partition("\n## Causes\n")
    told = {
        code
        for line in table.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])
    }
    assert told == codes
