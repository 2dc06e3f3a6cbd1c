"""host: the app runs in the host's own network and listens on the instance's port itself.

There is nothing between the app and the network: it reaches all that the host reaches, loopback
services included, and every host address serves its port.
"""

from __future__ import annotations

from plan.model import ModePlan
from plan.modes import rules
from plan.problems import Problems
from plan.situation import Situation


def plan(situation: Situation) -> ModePlan:
    """Plan nothing but the host's own network; warn of what is given up.

    Raises `PlanError` for settings that need a network of the container's own.
    """
    settings = situation.settings
    problems = Problems(situation.host)
    if settings.publish_address is not None:
        problems.add(
            "publish_address",
            f"{settings.publish_address} was given, but on the host's own network the app "
            "itself chooses where it listens",
            "Leave it out, or use another network_mode",
        )
    if settings.db_address == "host-gateway":
        problems.add(
            "db_address",
            "host-gateway has no meaning on the host's own network",
            "Give the address that the database listens on, such as 127.0.0.1",
        )
    problems.stop()
    return ModePlan(
        files=(),
        networks=(),
        container_networks=("host",),
        job_networks=("host",),
        chains=(rules.accept_input([rules.ports(settings)]),),
        warnings=(
            "network_mode host gives up isolation: the app reaches everything that the host "
            "reaches, its loopback services included, and listens on every address of the host",
        ),
    )
