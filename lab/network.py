"""The lab's two networks, and what lives on them beside the hosts.

                 machine (lab0 203.0.113.254)
                    |
    outside ---- public ---- eth0 of every host        203.0.113.0/24
    203.0.113.1                  |
    198.51.100.10               eth1
                                 |
    maindb ----- private --------+---- gateway ---- fardb
    10.0.0.10                        10.0.0.1       10.0.5.10

    wgpeer ----- public          203.0.113.2, and a WireGuard endpoint
      |
    wgdb                         10.77.0.10, a redis that only the tunnels lead to

The bridges are in the namespace `switch`, which has no address and forwards
nothing. `outside` knows no private network and forwards nothing either, so no
packet gets from the public network to a private one but through a host or a
tunnel.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab import cgroup, netns, shapes
from lab import endpoint as wireguard
from lab.machine import redis_server
from lab.paths import WAY_IN
from lab.shapes import Spec
from lab.shell import run, succeeds, wait_until

SWITCH = "switch"
BRIDGES = ("public", "private", "private2")

# Namespace, its interface, the bridge that leads to, its address.
STATIONS = (
    ("outside", "eth0", "public", f"{shapes.PUBLIC_GATEWAY}/24"),
    ("maindb", "eth0", "private", f"{shapes.MAINDB_ADDRESS}/24"),
    ("gateway", "eth0", "private", f"{shapes.PRIVATE_GATEWAY}/24"),
    ("wgpeer", "eth0", "public", f"{shapes.WIREGUARD_ENDPOINT}/24"),
)

REDIS_SETTINGS = ("--protected-mode", "no", "--save", "", "--appendonly", "no")


def ensure() -> None:
    """Bring about everything but the hosts: bridges, the machine's way in, databases, outside."""
    netns.ensure(SWITCH)
    # Frames cross the bridges unseen by any packet filter, and unanswered.
    for table in ("arptables", "iptables", "ip6tables"):
        netns.write_setting(SWITCH, f"bridge/bridge-nf-call-{table}", 0)
    for scope in ("all", "default"):
        netns.write_setting(SWITCH, f"ipv6/conf/{scope}/disable_ipv6", 1)
    for bridge in BRIDGES:
        netns.ensure_bridge(SWITCH, bridge)
    _ensure_way_in()
    for station, interface, bridge, address in STATIONS:
        netns.ensure(station)
        netns.ensure_cable(station, interface, SWITCH, f"{station}-{interface}")
        netns.plug_in(SWITCH, f"{station}-{interface}", bridge)
        _configure(station, interface, address)
    _configure("outside", "lo", f"{shapes.OUTSIDE_ADDRESS}/32")
    _ensure_fardb()
    _ensure_wgdb()
    _ensure_services()


def _configure(station: str, interface: str, address: str) -> None:
    netns.ip(station, "address", "replace", address, "dev", interface)
    netns.ip(station, "link", "set", interface, "up")


def _ensure_way_in() -> None:
    """Give the machine an interface on the public network that leads to the hosts alone.

    Not to the whole network: elsewhere, too, addresses are taken from those
    kept for documentation, and a /24 here would cut the machine off from them.
    """
    netns.ensure_cable(None, WAY_IN, SWITCH, "machine")
    netns.plug_in(SWITCH, "machine", "public")
    run("ip", "address", "replace", f"{shapes.MACHINE_ADDRESS}/32", "dev", WAY_IN)
    run("ip", "link", "set", WAY_IN, "up")
    routes = (f"route replace {block} dev {WAY_IN}\n" for block in shapes.public_blocks())
    run("ip", "-batch", "-", stdin="".join(routes))
    # A machine that forwards for others does not do it for the lab.
    Path(f"/proc/sys/net/ipv4/conf/{WAY_IN}/forwarding").write_text("0")


def _ensure_fardb() -> None:
    """Bring about a database on a private subnet of its own, which only the gateway leads to."""
    netns.ensure("fardb")
    netns.ensure_cable("fardb", "eth0", "gateway", "eth1")
    _configure("gateway", "eth1", f"{shapes.FARDB_GATEWAY}/24")
    _configure("fardb", "eth0", f"{shapes.FARDB_ADDRESS}/24")
    netns.ip("fardb", "route", "replace", "default", "via", shapes.FARDB_GATEWAY)
    netns.write_setting("gateway", "ipv4/ip_forward", 1)
    # A cloud's gateway does not tell a host with a /32 of a shorter way to its neighbours.
    for interface in ("all", "default", "eth0"):
        netns.write_setting("gateway", f"ipv4/conf/{interface}/send_redirects", 0)


def _ensure_wgdb() -> None:
    """Bring about a database that the WireGuard endpoint alone leads to, and only from tunnels."""
    netns.ensure("wgdb")
    netns.ensure_cable("wgdb", "eth0", "wgpeer", "eth1")
    _configure("wgpeer", "eth1", f"{shapes.WGDB_GATEWAY}/24")
    _configure("wgdb", "eth0", f"{shapes.WGDB_ADDRESS}/24")
    netns.ip("wgdb", "route", "replace", "default", "via", shapes.WGDB_GATEWAY)
    # The kernel looks at the card that a packet comes in by, so the public one forwards nothing.
    netns.write_setting("wgpeer", "ipv4/conf/eth1/forwarding", 1)


def _ensure_services() -> None:
    """Start the programs that answer in the namespaces, and wait until they do."""
    echo = (sys.executable, str(Path(__file__).with_name("echo.py")))
    redis = (str(redis_server()), *REDIS_SETTINGS)
    programs = {
        "maindb": redis,
        "fardb": redis,
        "wgdb": redis,
        "outside": echo,
        "wgpeer": wireguard.endpoint(),
    }
    for namespace, program in programs.items():
        if not cgroup.running(namespace):
            cgroup.start(namespace, *netns.inside(namespace, program))
    questions = {
        "maindb": ("redis-cli", "-h", shapes.MAINDB_ADDRESS, "ping"),
        "fardb": ("redis-cli", "-h", shapes.FARDB_ADDRESS, "ping"),
        "wgdb": ("redis-cli", "-h", shapes.WGDB_ADDRESS, "ping"),
        "wgpeer": wireguard.QUESTION,
        "outside": ("curl", "-fs", "-m", "2", f"http://{shapes.OUTSIDE_ADDRESS}/"),
    }
    for namespace, question in questions.items():
        answers = partial(succeeds, *netns.inside(namespace, question))
        wait_until(answers, what=f"{namespace} to answer", seconds=20)


@dataclass(frozen=True)
class Card:
    """A host's network card, public or private, and the port of the bridge it is plugged into."""

    name: str
    mac: str  # stays the same at each boot, as that of a real card does
    port: str
    bridge: str


def cards(spec: Spec) -> list[Card]:
    """List the host's network cards in order, the public one first."""
    bridges = ["public", *(card.bridge for card in spec.shape.cards)]
    return [
        Card(
            name=f"eth{index}",
            mac=f"02:6f:74:00:{index:02x}:{spec.number:02x}",
            port=f"{spec.name}-eth{index}",
            bridge=bridge,
        )
        for index, bridge in enumerate(bridges)
    ]


def renew_host(spec: Spec) -> None:
    """Plug in new cards for a host that is about to boot, in a new namespace if it needs one.

    A namespace that outlives its host keeps Podman's bridges and nft tables, so
    each boot gets another. A virtual machine has none: its cards end in taps.
    """
    remove_host(spec)
    if spec.shape.kind == "nspawn":
        netns.ensure(spec.name)
    for index, card in enumerate(cards(spec)):
        if index == 1 and spec.shape.docker:
            netns.ip(spec.name, "link", "add", "docker0", "type", "bridge")
        if spec.shape.kind == "vm":
            netns.ensure_tap(SWITCH, card.port)
        else:
            netns.ensure_cable(spec.name, card.name, SWITCH, card.port, mac=card.mac)
        netns.plug_in(SWITCH, card.port, card.bridge)


def remove_host(spec: Spec) -> None:
    """Unplug the host and forget its namespace."""
    for card in cards(spec):
        netns.unplug(SWITCH, card.port)
    netns.remove(spec.name)


def remove() -> None:
    """Remove all namespaces, and with them the cables and the machine's way in."""
    run("sh", "-c", f"ip link delete {WAY_IN} 2>/dev/null || true")
    for namespace in netns.names():
        netns.remove(namespace)
    wireguard.remove_traces()
