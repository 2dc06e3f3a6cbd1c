"""A host's own disk: what it adds to its base, and its container storage.

The root file system is an overlay over the base. What makes the host itself
(name, addresses, keys) is written into the upper layer before the first boot;
after that the disk is the host's own. A virtual machine copies this layer at
its first boot onto a disk that adds to the base's. A disk is whole or absent.
"""

import uuid
from pathlib import Path

from lab import base, keys, vmbase, vmdisk
from lab.paths import HOSTS
from lab.shapes import PUBLIC_GATEWAY, Spec
from lab.shell import run

PUBLIC_CARD = f"[Address]\nAddress=203.0.113.{{n}}/24\n[Route]\nGateway={PUBLIC_GATEWAY}\n"

DOCKER_BRIDGE = """[Match]
Name=docker0
[Link]
RequiredForOnline=no
[Network]
ConfigureWithoutCarrier=yes
[Address]
Address=172.17.0.1/16
"""


def path(host: str) -> Path:
    """Say where the host's disk is: a link to its base, and what it adds to that."""
    return HOSTS / host


def _unfinished(host: str) -> Path:
    """Say where a disk is while it is made or removed; remnants are cleared by the next command."""
    return HOSTS / f".{host}.tmp"


def ensure(spec: Spec) -> None:
    """Make the host's disk unless it exists."""
    disk = path(spec.name)
    if disk.exists():
        return
    unfinished = _unfinished(spec.name)
    remove_tree(unfinished)
    upper = unfinished / "upper"
    upper.mkdir(parents=True)
    for file, text in _files(spec).items():
        (upper / file).parent.mkdir(parents=True, exist_ok=True)
        (upper / file).write_text(text)
    _root_login(upper / "root")
    keys.make(upper / "etc/ssh/ssh_host_ed25519_key", comment=spec.name)
    if spec.shape.kind == "vm":
        built = vmbase.ensure()
        vmdisk.make(unfinished, built)
    else:
        built = base.ensure(spec.shape.suite, *spec.shape.packages)
        for directory in ("work", "containers"):
            (unfinished / directory).mkdir()
    (unfinished / "base").symlink_to(built)
    unfinished.rename(disk)


def remove(host: str) -> None:
    """Remove the host's disk with everything on it."""
    if path(host).exists():
        # Renamed first: a removal that is cut off must not leave half a disk to boot from.
        remove_tree(_unfinished(host))
        path(host).rename(_unfinished(host))
    remove_tree(_unfinished(host))


def remove_tree(directory: Path) -> None:
    """Remove a directory, but nothing that may be mounted in it."""
    run("rm", "-rf", "--one-file-system", str(directory))


def _files(spec: Spec) -> dict[str, str]:
    """Write the text files that make the host itself, by path."""
    cards = [PUBLIC_CARD, *(card.settings for card in spec.shape.cards)]
    files = {
        f"etc/systemd/network/eth{index}.network": (
            f"[Match]\nName=eth{index}\n[Network]\nIPv6AcceptRA=no\n" + card.format(n=spec.number)
        )
        for index, card in enumerate(cards)
    }
    if spec.shape.docker:
        files["etc/systemd/network/docker0.network"] = DOCKER_BRIDGE
    hosts = f"127.0.0.1 localhost\n127.0.1.1 {spec.name}\n"
    if spec.shape.maindb:
        hosts += f"{spec.shape.maindb} maindb\n"
    return files | {
        "etc/hostname": f"{spec.name}\n",
        "etc/hosts": hosts,
        "etc/machine-id": f"{uuid.uuid4().hex}\n",
    }


def _root_login(home: Path) -> None:
    """Let the lab's key in as root."""
    home.mkdir(mode=0o700)
    (home / ".ssh").mkdir(mode=0o700)
    authorized = home / ".ssh/authorized_keys"
    authorized.touch(mode=0o600)
    authorized.write_text(keys.public())
