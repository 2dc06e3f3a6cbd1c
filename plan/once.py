"""What an operator's command becomes on a host: in a fresh container, or in one that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from facts.installed import InstalledState
from names import CURRENT, INSTANCE, JOB
from plan.compare.releases import current_release
from plan.problems import Problems

# What --data may say.
WORDS = ("command", "in")
_PROGRAM = "host/once.sh"
_MEMBER = re.compile(rf"{INSTANCE}-(\d+)|{JOB}-(.+)")


@dataclass(frozen=True)
class Once:
    """One command on one host.

    + words: what is to be run on the host
    + title: what runs where, as a clause
    """

    words: tuple[str, ...]
    title: str


def once(host: str, words: Mapping[str, str], installed: InstalledState) -> Once:
    """Return what is to be run on a host; raise `PlanError` where it cannot be.

    + words: as they were typed
    """
    problems = Problems(host)
    command = _command(words.get("command", ""), problems)
    release = current_release(installed)
    if release is None:
        problems.add("release", "it has none", "Deploy first, or --limit another host")
        problems.stop()
    shown = shlex.join(command)
    if "in" in words:
        container = _running(words["in"], installed, problems)
        problems.stop()
        return Once(("podman", "exec", container, *command), f"{shown} in {container}")
    if _PROGRAM not in installed.release.entries:
        problems.add("release", f"{release} is older than this verb", "Deploy first")
    problems.stop()
    return Once(
        ("sh", f"{CURRENT}/{_PROGRAM}", "run", *command),
        f"{shown} in a fresh container of release {release}",
    )


def _command(text: str, problems: Problems) -> list[str]:
    example = "--data command='bin/ots version'"
    try:
        command = shlex.split(text)
    except ValueError as error:
        problems.add("command", f"{text!r} cannot be split into words: {error}", f"Say {example}")
        return []
    if not command or not command[0]:
        problems.add("command", "there is nothing to run", f"Say {example}")
    return command


def _running(name: str, installed: InstalledState, problems: Problems) -> str:
    """Return the container of an instance by its port, or of a job by its name."""
    matches = [
        match
        for container in installed.podman.containers.values()
        if container.running and (match := _MEMBER.fullmatch(container.name))
    ]
    running = {match[1] or match[2]: match[0] for match in matches}
    if name in running:
        return running[name]
    choices = ", ".join(sorted(running))
    advice = f"Name one of these: {choices}" if choices else "None runs: leave it out, or deploy"
    problems.add("in", f"{name!r} does not run", advice)
    return ""
