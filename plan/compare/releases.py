"""Which release is live on a host, which one to go back to, and whether any is there."""

from __future__ import annotations

import re

from facts.installed import InstalledState
from facts.paths import Question
from facts.release import About, KeptRelease
from names import CURRENT, FAILED, INSTANCE, SERVED, container
from plan.compare.verdicts import parse_question
from plan.problems import Problems


def current_release(installed: InstalledState) -> int | None:
    """Return the number of the release that is live, none at first."""
    match = re.fullmatch(r"releases/(\d+)", installed.systemd.links.get(CURRENT, ""))
    return int(match[1]) if match else None


def earlier_release(host: str, installed: InstalledState, asked: object) -> tuple[int, int]:
    """Return the current release and the one to go back to, which has served.

    Raises `PlanError` where the host does not have it.

    + asked: the number that the operator gave, or none for the last that served before the current
    """
    current = current_release(installed)
    marks = installed.release.marks
    kept = {number: about for number, about in installed.release.kept.items() if number != current}
    served = [number for number in kept if marks.get(number) == SERVED]
    if current is not None:
        before = [number for number in served if number < current]
        if asked is None and before:
            return current, before[-1]
        if isinstance(asked, int) and asked in served:
            return current, asked
    listed = "; ".join(
        f"{number} ({about}, {marks.get(number, 'never served')})" for number, about in kept.items()
    )
    raise Problems(host).error(
        "release",
        "there is none before the current one that served"
        if asked is None
        else f"{asked} was asked for, which {_state(asked, installed)}",
        f"The host keeps {listed or 'no other'}; the current one is {current}",
    )


def _state(asked: object, installed: InstalledState) -> str:
    if not isinstance(asked, int) or asked not in installed.release.kept:
        return "is not there"
    if asked == current_release(installed):
        return "is the current one"
    return "failed" if installed.release.marks.get(asked) == FAILED else "never served"


def read_kept(host: str, number: int, kept: KeptRelease) -> Question:
    """Return what to ask about a release's paths; raise `PlanError` where it is not whole."""
    problems = Problems(host)
    if kept.broken:
        problems.add(
            "release",
            f"release {number} is not what it was: {'; '.join(kept.broken[:5])}",
            "Name another one with --data release=N, or deploy forward",
        )
    problems.stop()
    try:
        return parse_question(kept.question)
    except ValueError:
        raise problems.error(
            "release",
            f"release {number} does not say what to ask about its paths",
            "It is of an older version of the deploy: deploy forward instead",
        ) from None


def restarts(kept: KeptRelease, about: About, installed: InstalledState) -> tuple[int, ...]:
    """Return the ports of instances that do not run as an earlier release has them."""
    live = installed.podman.containers
    return tuple(
        port
        for port, config in sorted(kept.configs.items())
        if (container_state := live.get(container(INSTANCE, port))) is None
        or container_state.config != config
        or container_state.image not in {None, about.image}
    )


def has_traces(installed: InstalledState) -> bool:
    """Tell whether the deploy has left anything on the host."""
    podman = installed.podman
    return bool(
        installed.systemd.links
        or installed.systemd.adopting
        or installed.release.kept
        or podman.secrets
        or installed.firewall.rules
        or installed.shim
        or any(container.config for container in podman.containers.values())
        or any(network.config for network in podman.networks.values())
    )
