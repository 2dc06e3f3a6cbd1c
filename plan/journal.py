"""Which lines of the hosts' journals an operator wants, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from names import ONE_OFF, member_container
from plan.inventory.settings import Settings
from plan.inventory.values import did_you_mean
from plan.problems import Problems

# What --data may say, beside `format`.
WORDS = ("since", "grep", "instance", "follow")
_SINCE = re.compile(r"[@+-]?[0-9A-Za-z][0-9A-Za-z :.,+/_-]{0,59}")
_SWITCHES = {"0": False, "1": True}
# The release command is no instance; its lines are of interest all the same.
_RELEASE = "release"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    + tags: the instance that each tag in the journal stands for, by host
    + since: as journalctl takes it
    + pattern: what a line has to match, empty for all lines
    """

    tags: Mapping[str, Mapping[str, str]]
    since: str
    pattern: str
    follow: bool


def wanted(words: Mapping[str, str], settings: Mapping[str, Settings]) -> Wanted:
    """Return what is asked for; raise `PlanError` with all that is wrong with it.

    + words: as they were typed
    + settings: by host
    """
    problems = Problems("--data")
    follow = _SWITCHES.get(words.get("follow", "0"))
    if follow is None:
        problems.add("follow", f"it is {words['follow']!r}", "Say follow=1, or leave it out")
    # What has been said before, a host at a time, is no beginning for lines that come as they come.
    since = words.get("since", "now" if follow else "1 hour ago")
    if not _SINCE.fullmatch(since):
        advice = "Say it as journalctl does: since='2 hours ago', since=-15min, since='09:30'"
        problems.add("since", f"{since!r} is no time", advice)
    form = words.get("format", "json")
    if form != "json":
        problems.add("format", f"it is {form!r}", "Say format=json, or leave it out")
    tags = {host: _tags(of_host) for host, of_host in settings.items()}
    instance = words.get("instance")
    if instance is not None:
        choices = sorted({name for of_host in tags.values() for name in of_host.values()})
        tags = {
            host: {tag: name for tag, name in of_host.items() if name == instance}
            for host, of_host in tags.items()
        }
        if not any(tags.values()):
            question = did_you_mean(instance, choices)
            advice = f"Name one of these: {', '.join(choices)}"
            problems.add("instance", f"no host has {instance!r}{question}", advice)
    problems.stop()
    asked = {host: of_host for host, of_host in tags.items() if of_host}
    return Wanted(asked, since, words.get("grep", ""), bool(follow))


def _tags(settings: Settings) -> dict[str, str]:
    """Return the name of each instance, by its tag."""
    members = {member_container(member): str(member) for member in settings.members}
    return members | {ONE_OFF: _RELEASE}
