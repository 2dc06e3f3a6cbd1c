"""The files of a release that act on the host itself: rules, shim, switch between releases."""

from __future__ import annotations

from plan.model import (
    BEGIN,
    CURRENT,
    FOUND,
    HOME,
    HOST_UNIT,
    KEPT_RELEASES,
    LINKS,
    PATIENCE,
    RULES_TABLE,
    RUN,
    SHIM_INTERFACES,
    SWITCH_UNIT,
    Chain,
    File,
    ShimPlan,
)
from plan.render import render


def host_files(
    chains: tuple[Chain, ...], forward: tuple[str, ...], shim: ShimPlan | None, config: str
) -> tuple[File, ...]:
    """Return the files that make the host's own side of the network."""
    rules = render("rules.nft.j2", chains=chains, config=config, table=RULES_TABLE)
    script = render(
        "host-network.sh.j2",
        shim=shim,
        forward=forward,
        config=config,
        table=RULES_TABLE,
        interfaces=SHIM_INTERFACES,
        current=CURRENT,
        found=FOUND,
    )
    return (
        File("rules.nft", rules),
        File("host-network.sh", script, mode=0o755),
        File("switch.sh", _switch_script(), mode=0o755),
        File(HOST_UNIT, render("onetime-host-network.service.j2", current=CURRENT)),
    )


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
