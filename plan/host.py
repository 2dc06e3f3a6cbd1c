"""Plan one host: every check that needs no other host, then every file it is to have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address

from facts.installed import InstalledState
from facts.network import HostNetwork
from plan import render
from plan.checks import check_driver, check_host, check_image, check_space
from plan.detect import PrivateNetwork, detect
from plan.gate import plan_gate
from plan.host_files import host_files
from plan.instances import plan_instances
from plan.model import (
    HostPlan,
    ModePlan,
    Secret,
    Situation,
)
from plan.modes import MODES
from plan.problems import PlanError
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
    archives: Mapping[str, int],
) -> HostPlan:
    """Return the host's plan; raise `PlanError` with all that is wrong with it.

    + secrets: the values of the secret variables
    + keys: names of the environment variables that overrode a setting, by setting
    + archives: sizes of the images' archives, in bytes, by path
    """
    problems = [*check_host(host, settings, network, installed)]
    # Without root Podman and the kernel show somebody else's things, or nothing.
    if installed.root:
        problems += check_image(host, settings, installed)
        problems += check_driver(host, settings, installed)
        problems += check_space(host, settings, installed, archives=archives)
    mode = MODES[settings.network_mode]
    numbers = numbered(host, secrets, installed)
    private, mode_plan = None, None
    try:
        private = detect(host, settings, network, layer2=mode.layer2, keys=keys)
    except PlanError as error:
        # A mode that needs no private card still heeds one that the operator names.
        if mode.private_card or settings.network_interface or settings.network_subnet:
            problems += error.problems
    if not problems or private is not None:
        try:
            mode_plan = mode.plan(_situation(host, settings, network, private, installed, numbers))
        except PlanError as error:
            problems += error.problems
    if problems or mode_plan is None:
        raise PlanError(problems)
    return _assemble(host, settings, private, mode_plan, numbers)


def _situation(
    host: str,
    settings: Settings,
    network: HostNetwork,
    private: PrivateNetwork | None,
    installed: InstalledState,
    secrets: tuple[Secret, ...],
) -> Situation:
    given = settings.db_address if isinstance(settings.db_address, IPv4Address) else None
    return Situation(
        host=host,
        settings=settings,
        network=network,
        private=private,
        database=given or network.resolved,
        installed=installed_addresses(installed),
        secrets=secrets,
        drivers=installed.drivers,
    )


def plan_nothing(host: str, settings: Settings) -> HostPlan:
    """Return the plan of a host that is to have nothing of this deploy's."""
    nothing = ModePlan(files=(), networks=(), container_networks=())
    return HostPlan(
        host=host,
        settings=settings,
        private=None,
        instances=(),
        networks=(),
        files=host_files(settings, nothing, ""),
        links=(),
        rules=(),
        forward=(),
        rules_config="",
        shim=None,
        secrets=(),
        warnings=(),
    )


def _assemble(
    host: str,
    settings: Settings,
    private: PrivateNetwork | None,
    mode: ModePlan,
    secrets: tuple[Secret, ...],
) -> HostPlan:
    instances = plan_instances(settings, mode, secrets)
    files = [*mode.files, *instances.files, plan_gate(settings, published=mode.published)]
    rules = mode.chains
    rules_config = render.digest(
        [*(line for chain in rules for line in (chain.hook, *chain.rules)), *mode.forward]
    )
    files += host_files(settings, mode, rules_config)
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
        instances=instances.plans,
        networks=mode.networks,
        files=tuple(sorted(files, key=lambda file: file.path)),
        links=instances.links,
        rules=rules,
        forward=mode.forward,
        rules_config=rules_config,
        shim=mode.shim,
        secrets=secrets,
        warnings=tuple(warnings),
    )
