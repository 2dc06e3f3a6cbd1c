"""How the lab's hosts are reached: real OpenSSH, with the true host keys checked."""

from pathlib import Path

from lab.paths import KNOWN_HOSTS, MASTERS, PRIVATE_KEY
from lab.shapes import spec
from lab.shell import succeeds

USER = "root"
PORT = 22

OPTIONS = {
    "IdentityFile": PRIVATE_KEY,
    "IdentitiesOnly": "yes",
    "UserKnownHostsFile": KNOWN_HOSTS,
    "GlobalKnownHostsFile": "/dev/null",
    "StrictHostKeyChecking": "yes",
    "BatchMode": "yes",
    "LogLevel": "ERROR",
    "ConnectTimeout": 5,
    # Commands share one connection, which makes them ten times faster.
    "ControlMaster": "auto",
    "ControlPath": MASTERS / "%h",
    "ControlPersist": 60,
    "ServerAliveInterval": 5,
}


def command(host: str, *remote: str, options: tuple[str, ...] = ()) -> list[str]:
    """Return the command line that runs `remote` on the host by ssh; a shell if there is none."""
    MASTERS.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = [part for key, value in OPTIONS.items() for part in ("-o", f"{key}={value}")]
    return ["ssh", "-F", "none", *settings, *options, f"{USER}@{spec(host).public}", *remote]


def socket(host: str) -> Path:
    """Say where the shared connection to the host listens while there is one."""
    return MASTERS / spec(host).public


def disconnect(host: str) -> None:
    """End the shared connection to the host, if there is one."""
    if socket(host).exists():
        succeeds(*command(host, options=("-O", "exit")))
