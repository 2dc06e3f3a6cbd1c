"""The lab's ssh key, the hosts' keys, and the list that says which host has which.

Every private key is readable by root alone, from its first byte on.
"""

from pathlib import Path

from lab.paths import HOSTS, KEYS, KNOWN_HOSTS, NAME, PRIVATE_KEY
from lab.shapes import spec
from lab.shell import run


def make(file: Path, *, comment: str) -> None:
    """Make an ed25519 key pair: `file` (0600) and `file`.pub. There must be none yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file))


def public() -> str:
    """Return the public half of the key that opens every host, which is made at the first use."""
    KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = PRIVATE_KEY.with_name(PRIVATE_KEY.name + ".pub")
    if not PRIVATE_KEY.exists():
        unfinished = KEYS / "unfinished"
        for left_over in KEYS.glob("unfinished*"):
            left_over.unlink()
        make(unfinished, comment=NAME)
        unfinished.with_name("unfinished.pub").rename(half)
        unfinished.rename(PRIVATE_KEY)
    return half.read_text()


def write_known_hosts() -> None:
    """Write the true key of every host that has a disk, for clients to check."""
    lines = []
    for key in sorted(HOSTS.glob("[!.]*/upper/etc/ssh/ssh_host_ed25519_key.pub")):
        address = spec(key.relative_to(HOSTS).parts[0]).public
        algorithm, value, *_ = key.read_text().split()
        lines.append(f"{address} {algorithm} {value}\n")
    KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = KNOWN_HOSTS.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text("".join(lines))
    unfinished.rename(KNOWN_HOSTS)
