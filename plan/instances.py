"""The files of the instances: one template and one environment for all, drop-ins for each."""

from __future__ import annotations

from dataclasses import dataclass

from plan import render
from plan.model import CURRENT, HOST_UNIT, SIDECAR, File, InstancePlan, Link, ModePlan, Secret
from plan.settings import Settings


@dataclass(frozen=True)
class Instances:
    """The instances of a host, and all that a release holds for them."""

    plans: tuple[InstancePlan, ...]
    files: tuple[File, ...]
    links: tuple[Link, ...]


def plan_instances(settings: Settings, mode: ModePlan, secrets: tuple[Secret, ...]) -> Instances:
    """Return what the instances are made from, each with the digest of all of it."""
    environment = render.render("environment.j2", environment=settings.environment)
    template = _template(settings, mode, secrets)
    files = [
        File("quadlet/onetime@.container", template),
        File("environment", environment, mode=0o600),
    ]
    if mode.sidecar:
        files += [
            File(f"quadlet/{SIDECAR}@.container", mode.sidecar.template),
            mode.sidecar.script,
        ]
    links, plans = [], []
    for port in sorted(settings.instances):
        address = mode.instance_networks.get(port, "")
        made_from = [template, environment, address]
        # They share a network, so they restart together.
        if mode.sidecar:
            texts = (mode.sidecar.template, mode.sidecar.script.content)
            made_from += [*texts, mode.sidecar.drop_ins[port]]
        config = render.digest(made_from)
        stamp = render.render("instance-config.conf.j2", config=config)
        directory = f"quadlet/onetime@{port}.container.d"
        files.append(File(f"{directory}/config.conf", stamp))
        links.append(Link(f"quadlet/onetime@{port}.container", "onetime@.container"))
        if address:
            text = render.render("instance-address.conf.j2", network=address)
            files.append(File(f"{directory}/address.conf", text))
        if mode.sidecar:
            directory = f"quadlet/{SIDECAR}@{port}.container.d"
            files.append(File(f"{directory}/config.conf", stamp))
            files.append(File(f"{directory}/tunnel.conf", mode.sidecar.drop_ins[port]))
            links.append(Link(f"quadlet/{SIDECAR}@{port}.container", f"{SIDECAR}@.container"))
        plans.append(InstancePlan(port, config, mode.addresses.get(port), bool(mode.sidecar)))
    return Instances(tuple(plans), tuple(files), tuple(links))


def publish(settings: Settings) -> str:
    """Return the `PublishPort=` value of every instance."""
    address = f"{settings.publish_address}:" if settings.publish_address else ""
    return f"{address}%i:{settings.container_port}"


def add_host(settings: Settings) -> str:
    """Return the `AddHost=` value of the database, empty if the host resolves its name."""
    return f"{settings.db_host}:{settings.db_address}" if settings.db_address else ""


def _template(settings: Settings, mode: ModePlan, secrets: tuple[Secret, ...]) -> str:
    port = str(settings.container_port) if mode.published else "%i"
    # Published ports and names belong to the container that has the network.
    own = mode.sidecar is None
    return render.render(
        "onetime@.container.j2",
        settings=settings,
        current=CURRENT,
        host_unit=HOST_UNIT,
        secrets=[secret for secret in secrets if secret.variable in settings.secrets],
        sidecar="" if own else f"{SIDECAR}@%i.service",
        networks=mode.container_networks,
        publish=publish(settings) if mode.published and own else "",
        port=port,
        add_host=add_host(settings) if own else "",
        # The instance's port may be systemd's %i, which must stay what it is.
        health_command=render.unit_text(settings.health_command)
        .replace("<port>", port)
        .replace("<health_path>", render.unit_text(settings.health_path)),
    )
