"""The files of a release that act on the host itself: rules, shim, switch between releases."""

from __future__ import annotations

from plan.model import (
    BEGIN,
    CURRENT,
    FIREWALL_UNIT,
    FOUND,
    HOME,
    HOST_UNIT,
    KEPT_RELEASES,
    LINKS,
    PATIENCE,
    PUBLISH_NETWORK,
    RULES_TABLE,
    RUN,
    SHIM_INTERFACES,
    SWITCH_UNIT,
    File,
    ModePlan,
)
from plan.render import render
from plan.settings import Settings


def host_files(settings: Settings, mode: ModePlan, config: str) -> tuple[File, ...]:
    """Return the files that make the host's own side of the network.

    + config: the digest of the mode's rules, which they carry
    """
    rules = render("rules.nft.j2", chains=mode.chains, config=config, table=RULES_TABLE)
    script = render(
        "host-network.sh.j2",
        shim=mode.shim,
        forward=mode.forward,
        config=config,
        table=RULES_TABLE,
        interfaces=SHIM_INTERFACES,
        run=RUN,
        found=FOUND,
    )
    firewall = render(
        "firewall.sh.j2",
        rules=sum(len(chain.rules) for chain in mode.chains),
        forward=mode.forward,
        config=config,
        publish_network=PUBLISH_NETWORK,
        publish_subnet=settings.publish_subnet,
        host_unit=HOST_UNIT,
        switch_unit=SWITCH_UNIT,
        current=CURRENT,
    )
    return (
        File("rules.nft", rules),
        File("host-network.sh", script, mode=0o755),
        File("firewall.sh", firewall, mode=0o755),
        File("switch.sh", _switch_script(), mode=0o755),
        File(HOST_UNIT, _unit(HOST_UNIT)),
        File(FIREWALL_UNIT, _unit(FIREWALL_UNIT)),
    )


def _unit(name: str) -> str:
    return render(f"{name}.j2", current=CURRENT, host_unit=HOST_UNIT, firewall_unit=FIREWALL_UNIT)


def _switch_script() -> str:
    return render(
        "switch.sh.j2",
        home=HOME,
        run=RUN,
        host_unit=HOST_UNIT,
        switch_unit=SWITCH_UNIT,
        begin=BEGIN,
        links=LINKS,
        kept=KEPT_RELEASES,
        patience=PATIENCE,
    )
