"""The kinds of host the lab can make, as plain data.

A host is named SHAPE + index and has one number n, which gives all its
addresses: 203.0.113.n on the public network, 10.0.0.n on the private one.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, summarize_address_range
from typing import Literal

from lab.shell import RefusalError

PUBLIC_NETWORK = "203.0.113.0/24"
PUBLIC_GATEWAY = "203.0.113.1"  # the outside namespace
WIREGUARD_ENDPOINT = "203.0.113.2"  # the wgpeer namespace
MACHINE_ADDRESS = "203.0.113.254"  # the machine's own, on its way in
OUTSIDE_ADDRESS = "198.51.100.10"  # stands for the internet
MAINDB_ADDRESS = "10.0.0.10"
PRIVATE_GATEWAY = "10.0.0.1"
SERVICES_ADDRESS = "10.0.0.80"
FARDB_SUBNET = "10.0.5.0/24"  # the private subnet behind the private gateway
FARDB_GATEWAY = "10.0.5.1"
FARDB_ADDRESS = "10.0.5.10"
WGDB_SUBNET = "10.77.0.0/24"  # the subnet behind the WireGuard endpoint
WGDB_GATEWAY = "10.77.0.1"
WGDB_ADDRESS = "10.77.0.10"

Kind = Literal["nspawn", "vm"]

PLAIN_CARD = "[Address]\nAddress=10.0.0.{n}/24\n"


@dataclass(frozen=True)
class Card:
    """A private network card: the bridge it is plugged into, and its networkd settings."""

    bridge: str
    settings: str  # sections of a systemd.network file; {n} is the host's number


@dataclass(frozen=True)
class Shape:
    """What sets a kind of host apart. Cards are eth1, eth2, … in order; eth0 is public."""

    name: str
    first: int  # number of the first host
    last: int  # number of the last one that has an address
    summary: str
    cards: tuple[Card, ...] = (Card("private", PLAIN_CARD),)
    maindb: str | None = MAINDB_ADDRESS  # what /etc/hosts says, None for nothing
    private: str | None = "10.0.0.{n}"  # the host's address on maindb's side
    docker: bool = False  # a bridge docker0 that is older than eth1
    suite: str = "trixie"
    packages: tuple[str, ...] = ()  # beside those of every host
    kind: Kind = "nspawn"  # on the machine's kernel, or a virtual machine with its own


@dataclass(frozen=True)
class Spec:
    """One host, up or not, as its name defines it."""

    name: str
    shape: Shape
    number: int = field(compare=False)

    @property
    def public(self) -> str:
        """Address on the public network, where ssh listens."""
        return f"203.0.113.{self.number}"

    @property
    def private(self) -> str | None:
        """Address on the private network that leads to maindb; None without a private card."""
        return self.shape.private and self.shape.private.format(n=self.number)


METRIC_CARD = PLAIN_CARD + "RouteMetric=100\n"

CLOUD_CARD = """[Address]
Address=10.0.0.{n}/32
[Route]
Destination=10.0.0.1/32
Scope=link
[Route]
Destination=10.0.0.0/24
Gateway=10.0.0.1
"""

SECOND_LAN_CARD = "[Address]\nAddress=10.0.1.{n}/24\n"

FAR_CARD = PLAIN_CARD + f"[Route]\nDestination={FARDB_SUBNET}\nGateway={PRIVATE_GATEWAY}\n"

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("plain", 11, 29, "eth0 public, eth1 private"),
        Shape(
            "metric",
            31,
            39,
            "connected private route of metric 100, as NetworkManager makes it",
            cards=(Card("private", METRIC_CARD),),
        ),
        Shape(
            "cloud",
            41,
            49,
            "/32 on the private card, subnet behind a gateway",
            cards=(Card("private", CLOUD_CARD),),
        ),
        Shape("docker", 51, 59, "docker0 (172.17.0.1/16) older than eth1", docker=True),
        Shape(
            "twocards",
            61,
            69,
            "two private cards, maindb on the second",
            cards=(Card("private2", SECOND_LAN_CARD), Card("private", PLAIN_CARD)),
        ),
        Shape("nocard", 71, 79, "no private card, no maindb", cards=(), maindb=None, private=None),
        Shape(
            "far",
            81,
            89,
            "maindb on another private subnet, behind the gateway",
            cards=(Card("private", FAR_CARD),),
            maindb=FARDB_ADDRESS,
        ),
        Shape("bookworm", 91, 99, "Debian 12, Podman 4.3: too old", suite="bookworm"),
        Shape("forky", 101, 109, "Debian forky, Podman 5.8", suite="forky"),
        Shape("ufw", 30, 30, "ufw is there, and not enabled", packages=("ufw",)),
        Shape(
            "iptables",
            40,
            40,
            "iptables, and what saves and restores its rules; fish and tcsh",
            packages=("iptables-persistent", "fish", "tcsh"),
        ),
        Shape("firewalld", 121, 127, "firewalld runs", packages=("firewalld",)),
        Shape("vm", 111, 119, "virtual machine: Debian's kernel, ipvlan, wireguard", kind="vm"),
    )
}


def spec(host: str) -> Spec:
    """Return the host of that name, made or not; RefusalError if no host can be called that."""
    match = re.fullmatch(r"([a-z]+)([1-9][0-9]?)", host)
    shape = SHAPES.get(match[1]) if match else None
    if not match or not shape:
        raise RefusalError(
            f"{host!r} is no host's name: a name is a shape and an index, like plain1."
        )
    number = shape.first + int(match[2]) - 1
    if number > shape.last:
        most = shape.last - shape.first + 1
        raise RefusalError(f"There are at most {most} hosts of shape {shape.name}, so no {host}.")
    return Spec(host, shape, number)


def public_blocks() -> list[IPv4Network]:
    """Cover the public addresses that hosts can have, and no others."""
    network = IPv4Network(PUBLIC_NETWORK)
    return [
        block
        for shape in SHAPES.values()
        for block in summarize_address_range(network[shape.first], network[shape.last])
    ]


def parse(target: str) -> list[Spec]:
    """Return the hosts meant by SHAPE, SHAPE=COUNT (its first COUNT) or a host's name."""
    name, equals, count = target.partition("=")
    if name not in SHAPES:
        if not equals and re.fullmatch(r"[a-z]+[0-9]+", name):
            return [spec(name)]
        raise RefusalError(f"There is no shape {name!r}; the shapes are {', '.join(SHAPES)}.")
    if equals and not re.fullmatch(r"[1-9][0-9]{0,2}", count):
        raise RefusalError(f"{target!r}: after = comes how many hosts, 1 or more.")
    return [spec(f"{name}{index}") for index in range(1, int(count or 1) + 1)]
