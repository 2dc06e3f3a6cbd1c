"""What a plan is made of: frozen values, complete enough to build, check or draw a host from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

import names
from plan.inventory.modes import CardLink
from plan.inventory.settings import Settings
from plan.inventory.values import Member
from plan.network.detect import PrivateNetwork


@dataclass(frozen=True)
class File:
    """One file of a release, by path relative to it.

    + content: its text; bytes that are no UTF-8 are surrogates in it
    """

    path: str
    content: str
    mode: int = 0o644

    @property
    def data(self) -> bytes:
        """What is on the disk."""
        return self.content.encode(errors="surrogateescape")


@dataclass(frozen=True)
class Link:
    """One symbolic link of a release, by path relative to it."""

    path: str
    target: str


@dataclass(frozen=True)
class PodmanNetworkPlan:
    """A Podman network, and the digest of its definition."""

    name: str
    config: str


@dataclass(frozen=True)
class Chain:
    """A base chain of the nft table: what it hooks, and its rules.

    + opens: the hook in which the host's own firewall lets through what these rules mark, if any
    """

    name: str
    hook: str
    rules: tuple[str, ...]
    opens: str = ""


@dataclass(frozen=True)
class Guard:
    """What may come into a container and where it may go: nft rules, each with what opens it.

    What no rule of `input` accepts is dropped; `output` says what is refused.
    """

    input: tuple[tuple[str, str], ...]
    output: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShimPlan:
    """The host's own foot in its containers' network, an interface like theirs."""

    link: CardLink
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
        return f"{names.SECRET_PREFIX}{self.variable}-{self.number}"


@dataclass(frozen=True)
class InstancePlan:
    """One instance: its port, its configuration's digest, its address on the private network."""

    port: int
    config: str
    address: IPv4Address | None = None
    sidecar: bool = False

    @property
    def member(self) -> Member:
        """By what it is known on its host."""
        return self.port

    @property
    def title(self) -> str:
        """What it is called among others."""
        return f"instance {self.port}"

    @property
    def containers(self) -> dict[str, str]:
        """The units of all its containers, by name: itself, and its sidecar if it has one."""
        kinds = (names.INSTANCE, names.SIDECAR) if self.sidecar else (names.INSTANCE,)
        return {names.container(kind, self.port): names.unit(kind, self.port) for kind in kinds}


@dataclass(frozen=True)
class JobPlan:
    """What works beside the instances: its name, its configuration's digest, its address."""

    name: str
    config: str
    address: IPv4Address | None = None

    @property
    def member(self) -> Member:
        """By what it is known on its host."""
        return self.name

    @property
    def title(self) -> str:
        """What it is called among others."""
        return f"job {self.name}"

    @property
    def containers(self) -> dict[str, str]:
        """The unit of its container, by name."""
        return {names.container(names.JOB, self.name): names.unit(names.JOB, self.name)}


MemberPlan = InstancePlan | JobPlan


@dataclass(frozen=True)
class Sidecar:
    """A container beside each instance that the instance has its network from.

    + template: the text of its unit file, the same for all
    + files: what it runs and reads, which are in the release
    + drop_ins: what each instance's has of its own, by port
    """

    template: str
    files: tuple[File, ...]
    drop_ins: Mapping[int, str]


@dataclass(frozen=True)
class ModePlan:
    """What a network mode decides for a host; everything else is the same in all modes.

    `container_networks` are the `Network=` values of every instance, `own_networks` those of one
    instance or job: they are its sidecar's, if it has one; `job_networks` are every job's where it
    has none of its own, and `job_sidecar` is the unit that those come and go with; `chains` make
    the host's nft table, `guard` the one inside each container that has a network of its own.
    """

    files: tuple[File, ...]
    networks: tuple[PodmanNetworkPlan, ...]
    container_networks: tuple[str, ...] = ()
    own_networks: dict[Member, tuple[str, ...]] = field(default_factory=dict)
    addresses: dict[Member, IPv4Address] = field(default_factory=dict)
    job_networks: tuple[str, ...] = ()
    job_sidecar: str = ""
    sidecar: Sidecar | None = None
    chains: tuple[Chain, ...] = ()
    guard: Guard | None = None
    shim: ShimPlan | None = None
    warnings: tuple[str, ...] = ()

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks in which the host's own firewall is to let marked packets through."""
        return tuple(chain.opens for chain in self.chains if chain.opens)


@dataclass(frozen=True)
class HostPlan:
    """All that a host is to be.

    + rules_config: the digest of the mode's rules, which they carry as a comment
    + endpoints: address and port of what its containers need of others, by what it is
    + public: the places, ADDRESS:PORT, by which the internet may reach an instance
    + moved_tag: the digests that the image's tag stands for on the host and at its registry, where
      it is followed and they differ
    """

    host: str
    settings: Settings
    private: PrivateNetwork | None
    instances: tuple[InstancePlan, ...]
    jobs: tuple[JobPlan, ...]
    mode: ModePlan
    files: tuple[File, ...]
    links: tuple[Link, ...]
    rules_config: str
    secrets: tuple[Secret, ...]
    endpoints: Mapping[str, tuple[IPv4Address, int]]
    public: tuple[str, ...]
    warnings: tuple[str, ...]
    moved_tag: tuple[str, str] | None = None

    @property
    def members(self) -> tuple[MemberPlan, ...]:
        """The instances, and what works beside them."""
        return (*self.instances, *self.jobs)

    def file(self, path: str) -> File:
        """Return one of the plan's files by its path."""
        return next(file for file in self.files if file.path == path)
