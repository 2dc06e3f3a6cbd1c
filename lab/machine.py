"""Whether this machine can carry the lab, and the Debian packages it needs for it.

Nothing is changed here but missing packages, and no service of theirs is started.
"""

import os
import platform
import re
from pathlib import Path

from lab.paths import RUNTIME, WAY_IN
from lab.shapes import PUBLIC_NETWORK
from lab.shell import LabError, RefusalError, run

# A file that shows that a package is there, and the package.
PACKAGES = {
    "/usr/bin/mmdebstrap": "mmdebstrap",
    "/usr/bin/systemd-nspawn": "systemd-container",
    "/usr/bin/redis-cli": "redis-tools",
    "/usr/sbin/nft": "nftables",
    "/bin/ip": "iproute2",
    "/usr/bin/ping": "iputils-ping",
    "/usr/bin/curl": "curl",
    "/usr/bin/openssl": "openssl",
    "/usr/bin/ssh": "openssh-client",
    "/usr/bin/wg": "wireguard-tools",
    "/usr/bin/wireguard-go": "wireguard-go",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}


def refuse_unless_root() -> None:
    """RefusalError on anything but Linux, and to anyone but root."""
    if platform.system() != "Linux":
        raise RefusalError("The lab runs real Linux hosts, so it works on Linux only.")
    if os.geteuid() != 0:
        raise RefusalError("The lab makes namespaces and mounts, so it must be run as root.")


def refuse_unfit() -> None:
    """RefusalError where the kernel has no macvlan or the public network's addresses are taken."""
    probe = "ip link add probe0 type veth && ip link add probe1 link probe0 type macvlan"
    try:
        run("unshare", "--net", "sh", "-c", probe)
    except LabError as error:
        raise RefusalError(f"This machine cannot make macvlan interfaces: {error}") from error
    for route in run("ip", "-4", "route", "show", "root", PUBLIC_NETWORK).splitlines():
        device = re.search(r" dev (\S+)", route)
        if not device or device[1] != WAY_IN:
            raise RefusalError(f"This machine already uses {PUBLIC_NETWORK}: {route.strip()}.")


def install_missing_packages() -> None:
    """Install what PACKAGES lists and the machine lacks."""
    missing = [package for file, package in PACKAGES.items() if not Path(file).exists()]
    if not missing:
        return
    debian_mirror()
    print(f"installing {', '.join(missing)}", flush=True)
    _apt_get("update")
    _apt_get("install", "-y", "--no-install-recommends", *missing)


def _apt_get(*arguments: str) -> None:
    """Run apt-get without questions."""
    # An interrupted run's apt may still be at work.
    patience = "DPkg::Lock::Timeout=300"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "-qq", "-o", patience, *arguments, env=env)


def redis_server() -> Path:
    """Return the redis server's program.

    It comes with redis-tools, where redis-check-rdb is the server under another
    name. The package redis-server adds a link to it and a service, which the
    machine shall not get.
    """
    link = RUNTIME / "redis-server"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/usr/bin/redis-check-rdb")
    return link


def debian_mirror() -> str:
    """Return the Debian mirror that apt on this machine uses; RefusalError if it uses none."""
    mirror = _mirror_in_lists()
    if not mirror:
        _apt_get("update")  # what a mirror serves is known only from its lists
        mirror = _mirror_in_lists()
    if not mirror:
        raise RefusalError("apt on this machine is configured for no Debian mirror.")
    return mirror


def _mirror_in_lists() -> str | None:
    fields = "$(REPO_URI) $(COMPONENT) $(ORIGIN) $(LABEL)"
    targets = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    for target in targets.splitlines():
        # Security archives have a label of their own and hold no whole suite.
        match target.split():
            case [uri, "main", "Debian", "Debian"]:
                return uri
    return None
