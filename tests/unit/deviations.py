"""Ways in which a host may differ from its plan, each with the repair that it asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from facts.installed import InstalledState
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.release import Entry
from plan.compare.changes import compare
from plan.compare.files import sha256
from tests.unit.planned import PARTS, altered, as_planned, observed, plan_one

PLAN = plan_one(observed(shim=True, secrets={"KEY": "env:KEY"}, environment={"A": "1"}))
HOST = as_planned(PLAN)
NOTHING = dataclasses.asdict(compare(PLAN, HOST))
Deviation = Callable[[InstalledState], InstalledState]
# What a new release is: numbered after the last, and read by systemd.
RELEASE = {"release": 4, "reload": True}
ALL = {"restart": (7043, 7044)}
RULES = {"host_network": True}


def put(field: str, **items: Any) -> Deviation:
    """Return a deviation: other items in one of the host's mappings; None takes one away."""

    def deviate(host: InstalledState) -> InstalledState:
        part, name = PARTS[field]
        mapping: Mapping[str, Any] = {**getattr(getattr(host, part), name), **items}
        left = {key: value for key, value in mapping.items() if value is not None}
        return altered(host, **{field: left})

    return deviate


def become(**fields: Any) -> Deviation:
    return lambda host: altered(host, **fields)


def shim(**fields: Any) -> Deviation:
    assert HOST.shim is not None
    return become(shim=dataclasses.replace(HOST.shim, **fields))


def file(path: str, entry: Entry | None) -> Deviation:
    return put("entries", **{path: entry})


def instance(**fields: Any) -> Deviation:
    changed = dataclasses.replace(HOST.podman.containers["onetime-7043"], **fields)
    return put("containers", **{"onetime-7043": changed})


NETWORK = HOST.podman.networks["onetime"]
STRANGER = PodmanNetwork("mine", (), None)
LEFT = Container("onetime-7050", True, "0")
TEMPLATE = PLAN.file("quadlet/onetime@.container").content
DROP = "inet filter forward"
RULE = "ip onetime own"
DEVIATIONS: dict[str, tuple[Deviation, dict[str, Any]]] = {
    "image gone": (become(images={}), {"image": "pull"}),
    "file edited": (file("quadlet/onetime@.container", Entry("0" * 64, mode=0o644)), RELEASE),
    "file unreadable": (file("environment", Entry("", mode=0o600)), RELEASE),
    "file gone": (file("environment", None), RELEASE),
    "file too many": (file("quadlet/mine.container", Entry("0" * 64, mode=0o644)), RELEASE),
    "file readable": (file("environment", Entry(sha256(b"A=1\n"), mode=0o644)), RELEASE),
    "link gone": (file("quadlet/onetime@7043.container", None), RELEASE),
    "link is a file": (
        file("quadlet/onetime@7043.container", Entry(sha256(TEMPLATE.encode()), mode=0o644)),
        RELEASE,
    ),
    "quadlet link gone": (put("links", **{"/etc/containers/systemd/onetime": None}), RELEASE),
    "not reloaded": (become(loaded=frozenset({"/etc/onetime/releases/2/x"})), {"reload": True}),
    "nothing loaded": (become(loaded=frozenset()), {"reload": True}),
    "container gone": (put("containers", **{"onetime-7043": None}), {"restart": (7043,)}),
    "container stopped": (instance(running=False), {"restart": (7043,)}),
    "container from before": (instance(config="0"), {"restart": (7043,)}),
    "unit failed": (put("units", **{"onetime@7044.service": "failed"}), {"restart": (7044,)}),
    "leftover unit": (put("units", **{"onetime@7050.service": "active"}), {"stop": (7050,)}),
    "leftover restarting": (
        put("units", **{"onetime@7050.service": "activating"}),
        {"stop": (7050,)},
    ),
    "leftover container": (put("containers", **{"onetime-7050": LEFT}), {"stop": (7050,)}),
    "old failure": (put("units", **{"onetime@7050.service": "failed"}), {}),
    "network gone": (put("networks", onetime=None), {"networks": ("onetime",), **ALL}),
    "network from before": (
        put("networks", onetime=dataclasses.replace(NETWORK, config="0")),
        {"networks": ("onetime",), **ALL},
    ),
    "network of nobody": (put("networks", mine=STRANGER), {}),
    "secret gone": (put("secrets", **{"onetime-KEY-1": None}), {"secrets": PLAN.secrets}),
    # Those that no release names any more go with the next change.
    "secret too many": (
        put("secrets", **{"onetime-OLD-1": PodmanSecret("onetime-OLD-1", "0")}),
        {},
    ),
    "host unit failed": (put("units", **{"onetime-host-network.service": "failed"}), RULES),
    "watcher stopped": (
        put("units", **{"onetime-firewall.service": "inactive"}),
        {"reload": True},
    ),
    "watcher about to start": (put("units", **{"onetime-firewall.service": "activating"}), {}),
    "guard gone": (
        become(unguarded=frozenset({"onetime-7043"})),
        {"guard": ("onetime-7043",)},
    ),
    "guard of something else": (become(unguarded=frozenset({"onetime-7050"})), {}),
    "firewalld knows the bridge": (become(trusted=frozenset({"10.89.43.0/24"})), {}),
    "firewalld has forgotten the bridge": (
        become(trusted=frozenset({"10.1.0.0/24"})),
        {"guard": ("onetime-7043", "onetime-7044")},
    ),
    "rules gone": (become(rules={}), RULES),
    "rules from before": (become(rules={**HOST.firewall.rules, RULE: ("0",)}), RULES),
    "rules doubled": (become(rules={**HOST.firewall.rules, RULE: (PLAN.rules_config,) * 2}), RULES),
    "no forwarding": (become(forwarding=False), RULES),
    "rules left behind in a chain": (
        become(rules={**HOST.firewall.rules, DROP: (PLAN.rules_config,)}),
        RULES,
    ),
    "a firewall that drops": (become(barriers={DROP: "forward"}), RULES),
    "a firewall that drops what comes in": (become(barriers={DROP: "input"}), RULES),
    "a firewall that drops what goes out": (become(barriers={DROP: "output"}), {}),
    "a rule that another one makes useless": (
        become(rules={**HOST.firewall.rules, DROP: ("0",)}, barriers={DROP: "forward"}),
        RULES,
    ),
    "a firewall that lets through": (
        become(
            rules={**HOST.firewall.rules, DROP: (PLAN.rules_config,)}, barriers={DROP: "forward"}
        ),
        {},
    ),
    "shim gone": (become(shim=None), RULES),
    "shim down": (shim(up=False), RULES),
    "shim on another card": (shim(parent="eth0"), RULES),
    "shim of another kind": (shim(kind="macvtap"), RULES),
    "shim with another MAC": (shim(mac="02:00:00:00:00:01"), RULES),
    "shim without address": (shim(addresses=frozenset()), RULES),
    "shim with one more": (shim(addresses=HOST.shim.addresses | {"10.0.0.3/32"}), RULES),  # type: ignore[union-attr]
    "shim without route": (shim(routes=frozenset()), RULES),
}
