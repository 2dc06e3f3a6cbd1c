"""What a plan is made of: frozen values, complete enough to build, check or draw a host from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from facts.network import HostNetwork
from plan.detect import PrivateNetwork
from plan.settings import Settings

# Where a release lives. On the root file system: units must be there before /var is mounted.
HOME = "/etc/onetime"
CURRENT = f"{HOME}/current"
# What the host had before the deploy changed it.
FOUND = f"{HOME}/found"
# The images that the deploy brought, one reference a line.
BROUGHT = f"{FOUND}/brought-images"
HOST_UNIT = "onetime-host-network.service"
# Restores what reloads of the host's firewall take away.
FIREWALL_UNIT = "onetime-firewall.service"
# What makes a release live: systemd reads through these.
LINKS = {
    "/etc/containers/systemd/onetime": f"{CURRENT}/quadlet",
    f"/etc/systemd/system/{HOST_UNIT}": f"{CURRENT}/{HOST_UNIT}",
    f"/etc/systemd/system/{FIREWALL_UNIT}": f"{CURRENT}/{FIREWALL_UNIT}",
}
KEPT_RELEASES = 5
# Seconds that a host waits for a new connection before it takes its network settings back.
PATIENCE = 30
# What concerns a deploy that is going on, and nothing after a boot.
RUN = "/run/onetime"
# The transient unit that changes the host from one release to another.
SWITCH_UNIT = "onetime-switch.service"
# Killed or cut off, it is started again; its exit code says whether anything is left to do.
BEGIN = (
    f"systemd-run --quiet --collect --no-block --unit={SWITCH_UNIT} "
    "--property=Type=oneshot --property=Restart=on-failure"
)
RULES_TABLE = "onetime"
SHIM_INTERFACES = ("macvlan0", "ipvlan0")
SIDECAR = "onetime-wg"
PUBLISH_NETWORK = "onetime-publish"
PUBLISH_INTERFACE = "onetime0"


@dataclass(frozen=True)
class File:
    """One file of a release, by path relative to it."""

    path: str
    content: str
    mode: int = 0o644


@dataclass(frozen=True)
class Link:
    """One symbolic link of a release, by path relative to it."""

    path: str
    target: str


@dataclass(frozen=True)
class PodmanNetworkPlan:
    """A Podman network, its systemd unit, and the digest of its definition."""

    name: str
    unit: str
    config: str


@dataclass(frozen=True)
class Chain:
    """A base chain of the nft table: what it hooks, and its rules."""

    name: str
    hook: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class ShimPlan:
    """The interface `macvlan0` or `ipvlan0`: the host's own foot in its containers' network."""

    interface: str
    kind: str
    parent: str
    address: IPv4Address
    mac: str | None
    container_range: IPv4Network


@dataclass(frozen=True)
class Secret:
    """A Podman secret. Once made it is never changed: a new value is a secret of the next number.

    So each release names the values that it was made with. The digest is salted with its place and
    only root can read it.
    """

    variable: str
    value: str = field(repr=False)
    config: str
    number: int

    @property
    def name(self) -> str:
        """Name of the Podman secret."""
        return f"onetime-{self.variable}-{self.number}"


@dataclass(frozen=True)
class InstancePlan:
    """One instance: its port, its configuration's digest, its address on the private network."""

    port: int
    config: str
    address: IPv4Address | None = None
    sidecar: bool = False

    @property
    def unit(self) -> str:
        """Name of the systemd unit."""
        return f"onetime@{self.port}.service"

    @property
    def container(self) -> str:
        """Name of the container."""
        return f"onetime-{self.port}"

    @property
    def containers(self) -> dict[str, str]:
        """The units of all its containers, by name: itself, and its sidecar if it has one."""
        own = {self.container: self.unit}
        sidecar = {f"{SIDECAR}-{self.port}": f"{SIDECAR}@{self.port}.service"}
        return own | sidecar if self.sidecar else own


@dataclass(frozen=True)
class Sidecar:
    """A container beside each instance that the instance has its network from.

    + template: the text of its unit file, the same for all
    + script: what it runs, by path in the release
    + drop_ins: what each instance's has of its own, by port
    """

    template: str
    script: File
    drop_ins: Mapping[int, str]


@dataclass(frozen=True)
class Situation:
    """What a network mode decides from.

    `private` is none where the host has no private card that can be told; `database` is the address
    that the inventory gives or the host resolves; `installed` are the addresses that instances have
    now, which they keep; `drivers` are the kinds of links that the host can make.
    """

    host: str
    settings: Settings
    network: HostNetwork
    private: PrivateNetwork | None
    database: IPv4Address | None
    installed: Mapping[int, IPv4Address]
    secrets: tuple[Secret, ...]
    drivers: frozenset[str]


@dataclass(frozen=True)
class ModePlan:
    """What a network mode decides for a host; everything else is the same in all modes.

    `container_networks` are the `Network=` values of every instance, `instance_networks` those of
    one; `published` says that ports are published by a bridge, and the `sidecar` has them if there
    is one; `chains` make the nft table, and `forward` are rules for the host's own firewall, where
    that drops what it forwards.
    """

    files: tuple[File, ...]
    networks: tuple[PodmanNetworkPlan, ...]
    container_networks: tuple[str, ...]
    instance_networks: dict[int, str] = field(default_factory=dict)
    addresses: dict[int, IPv4Address] = field(default_factory=dict)
    published: bool = True
    sidecar: Sidecar | None = None
    chains: tuple[Chain, ...] = ()
    forward: tuple[str, ...] = ()
    shim: ShimPlan | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostPlan:
    """All that a host is to be."""

    host: str
    settings: Settings
    private: PrivateNetwork | None
    instances: tuple[InstancePlan, ...]
    networks: tuple[PodmanNetworkPlan, ...]
    files: tuple[File, ...]
    links: tuple[Link, ...]
    rules: tuple[Chain, ...]
    forward: tuple[str, ...]
    rules_config: str
    shim: ShimPlan | None
    secrets: tuple[Secret, ...]
    warnings: tuple[str, ...]

    def file(self, path: str) -> File:
        """Return one of the plan's files by its path."""
        return next(file for file in self.files if file.path == path)
