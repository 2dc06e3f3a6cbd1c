"""Where the lab keeps things, and what it calls them on the machine.

State survives a reboot of the machine, runtime does not. Everything the lab
makes on the machine carries NAME, so that nothing else is ever touched.
"""

from pathlib import Path

NAME = "onetime-lab"

STATE = Path("/var/lib") / NAME
BASES = STATE / "bases"  # root file systems, one per Debian suite: kept by `lab down`
HOSTS = STATE / "hosts"  # one directory per host: its disk
KEYS = STATE / "ssh"
WIREGUARD = KEYS / "wireguard"  # of the WireGuard endpoint and its clients
IMAGES = STATE / "images"  # archives of the app image: kept by `lab down`
LOCK = STATE / "lock"

RUNTIME = Path("/run") / NAME
ROOTS = RUNTIME / "roots"  # mount points; mounted only in each host's own mount namespace
LOGS = RUNTIME / "log"
MASTERS = RUNTIME / "ssh"  # sockets of OpenSSH's connection sharing

PRIVATE_KEY = KEYS / "id_ed25519"
KNOWN_HOSTS = KEYS / "known_hosts"

NETNS = Path("/run/netns")  # where `ip netns` keeps its names
WAY_IN = "lab0"  # the machine's interface on the lab's public network
