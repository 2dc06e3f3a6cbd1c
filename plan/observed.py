"""What is known of one host of a run, before it is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from facts.installed import InstalledState
from facts.network import HostNetwork
from facts.tag import TagState
from plan.inventory.settings import Settings


@dataclass(frozen=True)
class Observed:
    """What is known of one host: what it should be, and what it is.

    + secrets, release_secrets: their values, by variable
    + files: the content of what containers get, by path in there
    + keys: names of the environment variables that overrode a setting, by setting
    + archives: sizes of the images' archives, in bytes, by path
    + login: the text of the auth file that images are pulled with, empty without a login
    + tag: what the image's tag stands for, where it is followed and the host has the image
    + answering: who on the LAN answers for addresses of `probes`, as a MAC
    """

    settings: Settings
    network: HostNetwork
    installed: InstalledState
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    release_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    archives: Mapping[str, int] = field(default_factory=dict)
    login: str = field(default="", repr=False)
    tag: TagState | None = None
    answering: Mapping[IPv4Address, str] = field(default_factory=dict)
