"""What a command needs that runs once, in a container like an instance's: its program and data."""

from __future__ import annotations

from collections.abc import Container

from names import SIDECAR, container
from plan.model import File
from plan.release.programs import data_file, program
from plan.situation import Situation


def one_off_files(situation: Situation, controllers: Container[str]) -> tuple[File, ...]:
    """Return the files of a release by which one command runs: the release's, or an operator's.

    It has what an instance has but for the network: that is the host's own, which is there before
    the first release, or where only tunnels lead to the database a running instance's.

    + controllers: what the host's kernel can limit
    """
    settings = situation.settings
    limits = {
        "pids-limit": settings.pids if "pids" in controllers else None,
        "memory": settings.memory,
        "cpus": settings.cpus,
        "tz": settings.timezone,
    }
    if settings.tunnel:
        network = [f"--network=container:{container(SIDECAR, min(settings.instances))}"]
    else:
        # In the host's own network Podman passes over the word for the host.
        hosts = [host.replace(":host-gateway", ":127.0.0.1") for host in situation.hosts]
        network = ["--network=host", *(f"--add-host={host}" for host in hosts)]
        network += ["--hosts-file=none"] if hosts else []
    arguments = [
        *network,
        f"--env=PORT={settings.container_port}",
        *(
            f"--secret={secret.name},type=env,target={secret.variable}"
            for secret in situation.secrets
            if secret.variable in settings.secrets
        ),
        "--cap-drop=all",
        *(f"--cap-add={capability}" for capability in settings.capabilities),
        *([] if settings.new_privileges else ["--security-opt=no-new-privileges"]),
        *(["--read-only"] if settings.read_only else []),
        *(f"--{name}={value}" for name, value in limits.items() if value is not None),
        *(f"--volume={volume}:{path}" for path, volume in settings.volumes.items()),
    ]
    data: dict[str, str | tuple[str, ...]] = {
        "IMAGE": settings.image,
        "ARGUMENTS": "\n".join(arguments),
        "FILES": tuple(sorted(situation.files)),
    }
    return program("once.sh"), data_file("one-off", data)
