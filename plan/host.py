"""Plan one host: every check that needs no other host, then every file it is to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from facts.installed import InstalledState
from facts.network import HostNetwork
from facts.tag import TagState
from plan.app import check_app, exposed
from plan.checks import check_driver, check_host, check_limits, shadowed, taken_over, untried
from plan.compare.verdicts import question_file
from plan.data_moves import check_data_move
from plan.images import check_image, check_registry, moved_tag, untold
from plan.inventory.settings import Settings
from plan.model import HostPlan, ModePlan, Secret
from plan.modes.registry import plan_mode
from plan.network.detect import PrivateNetwork, detect
from plan.network.publishing import public_places, resolve
from plan.problems import PlanError, Problem
from plan.release import render
from plan.release.address_drop_ins import read_addresses, read_bridge_addresses
from plan.release.host_files import host_files
from plan.release.instances import plan_instances
from plan.release.jobs import plan_jobs
from plan.release.one_off import one_off_files
from plan.release.secrets import numbered
from plan.services import check_services
from plan.situation import Situation
from plan.space import check_space


def plan_host(
    host: str,
    settings: Settings,
    network: HostNetwork,
    installed: InstalledState,
    *,
    secrets: Mapping[str, str],
    files: Mapping[str, str],
    keys: Mapping[str, str],
    archives: Mapping[str, int],
    tag: TagState | None = None,
) -> HostPlan:
    """Return the host's plan; raise `PlanError` with all that is wrong with it.

    + secrets: the values of the secret variables
    + files: the content of what containers get, by path in there
    + keys: names of the environment variables that overrode a setting, by setting
    + archives: sizes of the images' archives, in bytes, by path
    + tag: what the image's tag stands for, where it was asked for
    """
    private, mode_plan = None, None
    problems: list[Problem] = []
    try:
        private = detect(host, settings, network, keys=keys)
    except PlanError as error:
        # A mode that needs no private card still heeds one that the operator names.
        named = (settings.network_interface, settings.network_subnet)
        if settings.mode.needs_card or any(named) or settings.publish_address == "private":
            problems += error.problems
    settings, unresolved = resolve(host, settings, network, private)
    problems += [] if problems else unresolved
    if isinstance(settings.publish_address, str):
        raise PlanError(problems)
    problems += check_host(host, settings, network, installed)
    problems += check_app(host, settings, secrets)
    problems += check_services(host, settings)
    problems += check_registry(host, settings, tag)
    # Without root Podman and the kernel show somebody else's things, or nothing.
    if installed.kernel.root:
        problems += check_image(host, settings, installed)
        problems += check_data_move(host, settings, installed)
        problems += check_driver(host, settings, installed)
        problems += check_limits(host, settings, installed)
        problems += check_space(host, settings, installed, archives=archives)
    numbers = numbered(host, secrets, installed)
    situation = _situation(host, settings, network, private, installed, numbers, files)
    if not problems or private is not None:
        try:
            mode_plan = plan_mode(situation)
        except PlanError as error:
            problems += error.problems
    if problems or mode_plan is None:
        raise PlanError(problems)
    plan = _assemble(situation, mode_plan, installed)
    warnings = (*plan.warnings, *untold(settings, tag))
    return replace(plan, warnings=warnings, moved_tag=moved_tag(tag))


def _situation(
    host: str,
    settings: Settings,
    network: HostNetwork,
    private: PrivateNetwork | None,
    installed: InstalledState,
    secrets: tuple[Secret, ...],
    files: Mapping[str, str],
) -> Situation:
    address = settings.db_address if isinstance(settings.db_address, IPv4Address) else None
    return Situation(
        host=host,
        settings=settings,
        network=network,
        private=private,
        database=address or network.resolved,
        installed=read_addresses(installed.release.drop_ins),
        bridged=read_bridge_addresses(installed.release.drop_ins),
        secrets=secrets,
        drivers=installed.kernel.links,
        router=installed.kernel.router,
        files=files,
    )


def plan_nothing(host: str, settings: Settings) -> HostPlan:
    """Return the plan of a host that is to have nothing of this deploy's."""
    nothing = ModePlan(files=(), networks=(), container_networks=())
    return HostPlan(
        host=host,
        settings=settings,
        private=None,
        instances=(),
        jobs=(),
        mode=nothing,
        files=host_files(settings, nothing, ""),
        links=(),
        rules_config="",
        secrets=(),
        endpoints={},
        public=(),
        warnings=(),
    )


def _assemble(situation: Situation, mode: ModePlan, installed: InstalledState) -> HostPlan:
    settings, network, private = situation.settings, situation.network, situation.private
    controllers = installed.kernel.controllers
    instances = plan_instances(situation, mode, controllers)
    jobs = plan_jobs(situation, mode, controllers)
    files = [*mode.files, *instances.files, *jobs.files, *one_off_files(situation, controllers)]
    rules_config = render.digest(
        line for chain in mode.chains for line in (chain.hook, *chain.rules)
    )
    files += host_files(settings, mode, rules_config)
    warnings = [
        *untried(installed),
        *exposed(settings),
        *shadowed(settings, network, installed),
        *mode.warnings,
        *taken_over(situation.settings, installed),
    ]
    if private and private.alternatives and settings.mode.bridge:
        warnings.append(
            f"{private.interface} was chosen as the private card because it comes first; "
            f"{', '.join(private.alternatives)} would fit as well: set network_interface to be sure"
        )
    plan = HostPlan(
        host=situation.host,
        settings=settings,
        private=private,
        instances=instances.plans,
        jobs=jobs.plans,
        mode=mode,
        files=(),
        links=(*instances.links, *jobs.links),
        rules_config=rules_config,
        secrets=situation.secrets,
        endpoints=situation.endpoints,
        public=public_places(settings, network),
        warnings=tuple(warnings),
    )
    files.append(question_file(plan))
    return replace(plan, files=tuple(sorted(files, key=lambda file: file.path)))
