"""The files of the instances: one template and one environment for all, drop-ins for each."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from names import INSTANCE, SIDECAR, unit
from plan.model import File, InstancePlan, Link, ModePlan
from plan.release import render
from plan.release.address_drop_ins import address_drop_in
from plan.release.app_files import app_files, app_values
from plan.situation import Situation


@dataclass(frozen=True)
class Instances:
    """The instances of a host, and all that a release holds for them."""

    plans: tuple[InstancePlan, ...]
    files: tuple[File, ...]
    links: tuple[Link, ...]


def plan_instances(situation: Situation, mode: ModePlan, controllers: Container[str]) -> Instances:
    """Return what the instances are made from, each with the digest of all of it.

    + controllers: what the host's kernel can limit
    """
    settings = situation.settings
    template = _template(situation, mode, controllers)
    shared = app_files(situation)
    files = [File(f"quadlet/{INSTANCE}@.container", template), *shared]
    if mode.sidecar:
        files += [
            File(f"quadlet/{SIDECAR}@.container", mode.sidecar.template),
            *mode.sidecar.files,
        ]
    links, plans = [], []
    for port in sorted(settings.instances):
        networks = mode.own_networks.get(port, ())
        made_from = [template, *(file.content for file in shared), *networks]
        # They share a network, so they restart together.
        if mode.sidecar:
            texts = (mode.sidecar.template, *(file.content for file in mode.sidecar.files))
            made_from += [*texts, mode.sidecar.drop_ins[port]]
        config = render.digest(made_from)
        stamp = render.render("instance-config.conf.j2", config=config)
        directory = f"quadlet/{INSTANCE}@{port}.container.d"
        files.append(File(f"{directory}/config.conf", stamp))
        links.append(Link(f"quadlet/{INSTANCE}@{port}.container", f"{INSTANCE}@.container"))
        if networks:
            kind = SIDECAR if mode.sidecar else INSTANCE
            files.append(address_drop_in(kind, port, networks))
        if mode.sidecar:
            directory = f"quadlet/{SIDECAR}@{port}.container.d"
            files.append(File(f"{directory}/config.conf", stamp))
            files.append(File(f"{directory}/tunnel.conf", mode.sidecar.drop_ins[port]))
            links.append(Link(f"quadlet/{SIDECAR}@{port}.container", f"{SIDECAR}@.container"))
        plans.append(InstancePlan(port, config, mode.addresses.get(port), bool(mode.sidecar)))
    return Instances(tuple(plans), tuple(files), tuple(links))


def _template(situation: Situation, mode: ModePlan, controllers: Container[str]) -> str:
    settings = situation.settings
    port = str(settings.container_port) if settings.mode.bridge else "%i"
    return render.render(
        f"{INSTANCE}@.container.j2",
        sidecar=unit(SIDECAR, "%i") if mode.sidecar else "",
        networks=mode.container_networks,
        port=port,
        # The instance's port may be systemd's %i, which must stay what it is.
        health_command=render.unit_text(settings.health_command)
        .replace("<port>", port)
        .replace("<health_path>", render.unit_text(settings.health_path)),
        **app_values(situation, mode, controllers),
    )
