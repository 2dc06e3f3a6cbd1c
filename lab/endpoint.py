"""The lab's WireGuard endpoint, its clients' keys, and what a client must know.

The endpoint runs in userspace, since the machine's kernel may have no
WireGuard. Each client has a key and an address of its own; the last ones have
a preshared key as well. All keys are made at the first `up`, whole or not at
all, and go with the lab.
"""

from dataclasses import dataclass
from pathlib import Path

from lab import shapes
from lab.disk import remove_tree
from lab.paths import KEYS, WIREGUARD
from lab.shell import run

LINK = "otlab-wg0"
PORT = 51820
ADDRESS = "10.99.0.1/24"
CLIENTS = 12
WITHOUT_PRESHARED = 10

SOCKET = Path("/var/run/wireguard") / f"{LINK}.sock"
QUESTION = ("sh", "-c", f"ip -4 address show dev {LINK} up | grep -q inet")

# $1: the endpoint's configuration. It ends when wireguard-go does, and its interface with it.
SCRIPT = f"""
set -eu
rm -f {SOCKET}
wireguard-go -f {LINK} &
until wg setconf {LINK} "$1" 2>/dev/null; do kill -0 $!; sleep 0.05; done
echo 1 >/proc/sys/net/ipv4/conf/{LINK}/forwarding
ip link set {LINK} up
ip address add {ADDRESS} dev {LINK}
wait
"""


@dataclass(frozen=True)
class Client:
    """One client of the endpoint: its private key's file, and its address in the tunnel."""

    private_key: Path
    address: str
    preshared_key: Path | None


@dataclass(frozen=True)
class Wireguard:
    """The endpoint as its clients know it, and the database behind it."""

    endpoint: str
    public_key: str
    database: str
    clients: tuple[Client, ...]


def facts() -> Wireguard:
    """Say what clients must know; the keys are there once the lab is up."""
    return Wireguard(
        endpoint=f"{shapes.WIREGUARD_ENDPOINT}:{PORT}",
        public_key=(WIREGUARD / "public-key").read_text().strip(),
        database=shapes.WGDB_ADDRESS,
        clients=tuple(_client(WIREGUARD, number) for number in range(1, CLIENTS + 1)),
    )


def endpoint() -> tuple[str, ...]:
    """Return the command line of the endpoint, whose keys are made if there are none."""
    _ensure_keys()
    return ("sh", "-c", SCRIPT, "sh", str(WIREGUARD / "endpoint.conf"))


def remove_traces() -> None:
    """Remove what an endpoint that has ended leaves on the machine."""
    SOCKET.unlink(missing_ok=True)


def _client(directory: Path, number: int) -> Client:
    return Client(
        private_key=directory / f"client-{number}",
        address=f"10.99.0.{number + 1}/32",
        preshared_key=directory / "preshared-key" if number > WITHOUT_PRESHARED else None,
    )


def _ensure_keys() -> None:
    if WIREGUARD.exists():
        return
    unfinished = WIREGUARD.with_suffix(".tmp")
    remove_tree(unfinished)
    KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished.mkdir(mode=0o700)
    preshared = _write(unfinished / "preshared-key", run("wg", "genpsk"))
    key = run("wg", "genkey")
    _write(unfinished / "public-key", run("wg", "pubkey", stdin=key))
    lines = ["[Interface]", f"PrivateKey = {key.strip()}", f"ListenPort = {PORT}"]
    for number in range(1, CLIENTS + 1):
        client = _client(unfinished, number)
        key = _write(client.private_key, run("wg", "genkey"))
        public = run("wg", "pubkey", stdin=key).strip()
        lines += ["[Peer]", f"PublicKey = {public}", f"AllowedIPs = {client.address}"]
        if client.preshared_key:
            lines.append(f"PresharedKey = {preshared.strip()}")
    _write(unfinished / "endpoint.conf", "\n".join([*lines, ""]))
    unfinished.rename(WIREGUARD)


def _write(file: Path, text: str) -> str:
    file.touch(mode=0o600)
    file.write_text(text)
    return text
