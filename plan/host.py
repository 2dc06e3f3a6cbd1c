"""Plan one host: every check that needs no other host, then every file it is to have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address

from facts.installed import InstalledState
from facts.network import HostNetwork
from plan import render
from plan.checks import check_driver, check_host, check_image
from plan.detect import PrivateNetwork, detect
from plan.gate import plan_gate
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
    HostPlan,
    InstancePlan,
    Link,
    ModePlan,
    Secret,
    ShimPlan,
    Situation,
)
from plan.modes import MODES
from plan.problems import PlanError, Problem
from plan.secrets import numbered
from plan.settings import Settings

_ADDRESS_FILE = re.compile(r"quadlet/onetime@(\d+)\.container\.d/address\.conf")
_ADDRESS = re.compile(r"^Network=onetime\.network:ip=([0-9.]+)", re.MULTILINE)


def installed_addresses(installed: InstalledState) -> dict[int, IPv4Address]:
    """Return the address of each installed instance, read from its drop-in."""
    found = {}
    for path, entry in installed.release.items():
        port, address = _ADDRESS_FILE.fullmatch(path), _ADDRESS.search(entry.content or "")
        if port and address:
            # A drop-in that was edited to nonsense is written anew, like any that differs.
            with suppress(ValueError):
                found[int(port[1])] = IPv4Address(address[1])
    return found


def plan_host(
    host: str,
    settings: Settings,
    network: HostNetwork,
    installed: InstalledState,
    *,
    secrets: Mapping[str, str],
    keys: Mapping[str, str],
) -> HostPlan:
    """Return the host's plan; raise `PlanError` with all that is wrong with it.

    + secrets: the values of the secret variables
    + keys: names of the environment variables that overrode a setting, by setting
    """
    problems = [*check_host(host, settings, network, installed)]
    # Without root Podman and the kernel show somebody else's things, or nothing.
    if installed.root:
        problems += check_image(host, settings, installed)
        problems += check_driver(host, settings, installed)
    mode = MODES.get(settings.network_mode)
    if mode is None:
        seen = f"{settings.network_mode} is not built yet"
        problems.append(Problem(host, "network_mode", seen, f"Use {', '.join(MODES)}"))
        raise PlanError(problems)
    private, mode_plan = None, None
    try:
        private = detect(host, settings, network, layer2=mode.layer2, keys=keys)
    except PlanError as error:
        # A mode that needs no private card still heeds one that the operator names.
        if mode.private_card or settings.network_interface or settings.network_subnet:
            problems += error.problems
    if not problems or private is not None:
        try:
            mode_plan = mode.plan(_situation(host, settings, network, private, installed))
        except PlanError as error:
            problems += error.problems
    if problems or mode_plan is None:
        raise PlanError(problems)
    return _assemble(host, settings, private, mode_plan, numbered(host, secrets, installed))


def _situation(
    host: str,
    settings: Settings,
    network: HostNetwork,
    private: PrivateNetwork | None,
    installed: InstalledState,
) -> Situation:
    given = settings.db_address if isinstance(settings.db_address, IPv4Address) else None
    return Situation(
        host=host,
        settings=settings,
        network=network,
        private=private,
        database=given or network.resolved,
        installed=installed_addresses(installed),
    )


def plan_nothing(host: str, settings: Settings) -> HostPlan:
    """Return the plan of a host that is to have nothing of this deploy's."""
    return HostPlan(
        host=host,
        settings=settings,
        private=None,
        instances=(),
        networks=(),
        files=_host_files((), (), None, ""),
        links=(),
        rules=(),
        forward=(),
        rules_config="",
        shim=None,
        secrets=(),
        warnings=(),
    )


def _host_files(
    chains: tuple[Chain, ...], forward: tuple[str, ...], shim: ShimPlan | None, config: str
) -> tuple[File, ...]:
    """Return the files that make the host's own side of the network."""
    rules = render.render("rules.nft.j2", chains=chains, config=config, table=RULES_TABLE)
    script = render.render(
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
        File(HOST_UNIT, render.render("onetime-host-network.service.j2", current=CURRENT)),
    )


def _switch_script() -> str:
    return render.render(
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


def _publish(settings: Settings) -> str:
    address = f"{settings.publish_address}:" if settings.publish_address else ""
    return f"{address}%i:{settings.container_port}"


def _assemble(
    host: str,
    settings: Settings,
    private: PrivateNetwork | None,
    mode: ModePlan,
    secrets: tuple[Secret, ...],
) -> HostPlan:
    environment = render.render("environment.j2", environment=settings.environment)
    app_port = str(settings.container_port) if mode.published else "%i"
    template = render.render(
        "onetime@.container.j2",
        settings=settings,
        current=CURRENT,
        host_unit=HOST_UNIT,
        secrets=secrets,
        networks=mode.container_networks,
        publish=_publish(settings) if mode.published else "",
        port=app_port,
        add_host=f"{settings.db_host}:{settings.db_address}" if settings.db_address else "",
        # The instance's port may be systemd's %i, which must stay what it is.
        health_command=render.unit_text(settings.health_command)
        .replace("<port>", app_port)
        .replace("<health_path>", render.unit_text(settings.health_path)),
    )
    files = [
        *mode.files,
        File("quadlet/onetime@.container", template),
        File("environment", environment, mode=0o600),
        plan_gate(settings, published=mode.published),
    ]
    links, instances = [], []
    for port in sorted(settings.instances):
        directory = f"quadlet/onetime@{port}.container.d"
        address = mode.instance_networks.get(port, "")
        config = render.digest([template, environment, address])
        files.append(
            File(
                f"{directory}/config.conf",
                render.render("instance-config.conf.j2", config=config),
            )
        )
        if address:
            text = render.render("instance-address.conf.j2", network=address)
            files.append(File(f"{directory}/address.conf", text))
        links.append(Link(f"quadlet/onetime@{port}.container", "onetime@.container"))
        instances.append(InstancePlan(port, config, mode.addresses.get(port)))
    rules = mode.chains
    rules_config = render.digest(
        [*(line for chain in rules for line in (chain.hook, *chain.rules)), *mode.forward]
    )
    files += _host_files(mode.chains, mode.forward, mode.shim, rules_config)
    warnings = list(mode.warnings)
    if private and private.others and mode.container_networks != ("host",):
        warnings.append(
            f"{private.interface} was chosen as the private card because it comes first; "
            f"{', '.join(private.others)} would fit as well: set network_interface to be sure"
        )
    return HostPlan(
        host=host,
        settings=settings,
        private=private,
        instances=tuple(instances),
        networks=mode.networks,
        files=tuple(sorted(files, key=lambda file: file.path)),
        links=tuple(links),
        rules=rules,
        forward=mode.forward,
        rules_config=rules_config,
        shim=mode.shim,
        secrets=secrets,
        warnings=tuple(warnings),
    )
