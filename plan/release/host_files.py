"""The files of a release that act on the host itself: rules, shim, gate, switch."""

from __future__ import annotations

import shlex

from names import FIREWALL_UNIT, HOST_UNIT, SWITCH_UNIT
from plan.inventory.settings import Settings
from plan.model import File, Guard, ModePlan
from plan.release import render
from plan.release.programs import data_file, names_file, program

_PROGRAMS = (
    "common.sh",
    "ruleset.awk",
    "trusted.sh",
    "network.sh",
    "firewall.sh",
    "guard.sh",
    "gate.sh",
    "drain.sh",
    "switch.sh",
    "instances.sh",
    "images.sh",
    "podman-networks.sh",
    "jobs.sh",
    "resume.sh",
    "adopt.sh",
    "history.sh",
)
_UNITS = (HOST_UNIT, FIREWALL_UNIT, SWITCH_UNIT)


def host_files(settings: Settings, mode: ModePlan, config: str) -> tuple[File, ...]:
    """Return the files that make the host's own side of the network.

    + config: the digest of the mode's rules, which they carry
    """
    return (
        *map(program, _PROGRAMS),
        names_file(),
        data_file("network", _network(settings, mode, config)),
        data_file("gate", _gate(settings)),
        data_file("notify", {"NOTIFY": shlex.join(settings.notify_host or ())}),
        File("host/rules.nft", render.render("rules.nft.j2", chains=mode.chains, config=config)),
        *(_guard(settings, mode.guard) if mode.guard else ()),
        *(File(unit, render.render(f"{unit}.j2")) for unit in _UNITS),
    )


def _network(settings: Settings, mode: ModePlan, config: str) -> dict[str, str | int]:
    shim = mode.shim
    return {
        "CONFIG": config,
        "FORWARD": int("forward" in mode.hooks),
        "HOOKS": " ".join(mode.hooks),
        "PUBLISH_SUBNET": str(settings.publish_subnet),
        "SHIM": shim.link.interface if shim else "",
        **(
            {
                "SHIM_KIND": shim.link.kind,
                "SHIM_SUBMODE": shim.link.submode,
                "SHIM_PARENT": shim.parent,
                "SHIM_MAC": shim.mac or "",
                "SHIM_ADDRESS": str(shim.address),
                "SHIM_RANGE": str(shim.container_range),
            }
            if shim
            else {}
        ),
    }


def _guard(settings: Settings, guard: Guard) -> tuple[File, ...]:
    """Return what guards each container, and what has Podman do so before it starts one."""
    rules = [text for rule in (*guard.input, *guard.output) for text in rule]
    digest = render.digest(rules)
    data = {
        "GUARD": digest,
        "PUBLISH_SUBNET": str(settings.publish_subnet),
        "GATEWAY": str(settings.publish_gateway),
    }
    text = render.render("guard.nft.j2", guard=guard, config=digest)
    return (
        data_file("guard", data),
        File("host/guard.nft", text),
        File("hooks/guard.json", render.render("guard.json.j2")),
        File("containers.conf", render.render("containers.conf.j2")),
    )


def _gate(settings: Settings) -> dict[str, str | int]:
    """Return which packets the gate stops, and the port that the app listens on.

    The gate is closed from before an instance stops until it is healthy.
    """
    if not settings.mode.bridge:
        # The app has the instance's port itself; the health command asks on the host's loopback,
        # while the gate is still closed.
        return {"DESTINATION": "fib daddr type local ip daddr != 127.0.0.0/8", "APP_PORT": ""}
    address = settings.published
    destination = f"ip daddr {address}" if address else "fib daddr type local"
    return {"DESTINATION": destination, "APP_PORT": settings.container_port}
