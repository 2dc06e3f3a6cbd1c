"""Root file systems that hosts are made from: one per Debian suite and extra packages, built once.

A base is finished or absent: it is built under another name and renamed. Its
directory carries a hash of everything that went into it, so a change here
gives new hosts a new base, while hosts that exist keep the one they stand on.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lab import cgroup
from lab.machine import debian_mirror
from lab.paths import BASES, HOSTS, LOGS
from lab.shell import run

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "ca-certificates"),
    *("podman", "netavark", "aardvark-dns", "crun", "passt"),
    *("iproute2", "iputils-ping", "nftables", "procps", "curl", "redis-tools", "tcpdump"),
    *("busybox-static", "ipsvd"),  # for the app image
)

SETUP = r"""
set -eu
cd "$1"
chroot . systemctl --quiet enable systemd-networkd systemd-networkd-wait-online
# They would reach for the network and load the machine; hosts have no packages to update.
chroot . systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer
rm -f etc/ssh/ssh_host_* etc/machine-id etc/hostname etc/resolv.conf
# No name server: an unknown name fails at once.
: >etc/resolv.conf
: >etc/default/locale
mkdir -p etc/ssh/sshd_config.d etc/containers
cat >etc/ssh/sshd_config.d/lab.conf <<END
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
MaxStartups 100
MaxSessions 100
END
# The cgroup controllers are the machine's own, so a host cannot limit its containers.
printf '[containers]\npids_limit=0\n' >etc/containers/containers.conf
# Nothing is left to update at the first boot.
touch etc/.updated var/.updated
"""


def path(suite: str, *extra: str) -> Path:
    """Say where the present base of the suite is, with extra packages or without, built or not."""
    content = "\0".join((suite, *PACKAGES, *extra, SETUP))
    # A plus, not a dash: one kind's name must not begin like another's.
    kind = "+".join((suite, *extra))
    return BASES / f"{kind}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def ensure(suite: str, *extra: str) -> Path:
    """Return the base of the suite, built if it isn't there yet (about 25 seconds).

    + extra: packages that it has beside those of every host
    """
    base = path(suite, *extra)
    if base.exists():
        return base
    kind = " with ".join((suite, *extra))
    print(f"building the Debian {kind} base", flush=True)
    unfinished = begin(base)
    packages = (*PACKAGES, *extra)
    bootstrap(suite, unfinished, packages, group=f"build-{suite}", setup=SETUP)
    finish(unfinished, base)
    return base


def begin(base: Path) -> Path:
    """Return the name under which a base is built, with nothing there yet."""
    BASES.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    unfinished = base.with_suffix(".tmp")
    run("rm", "-rf", "--one-file-system", str(unfinished))
    return unfinished


def bootstrap(
    suite: str,
    root: Path,
    packages: Sequence[str],
    *,
    group: str,
    variant: str = "minbase",
    setup: str = "",
) -> None:
    """Make a root file system of packages of the suite, with mmdebstrap in a group of its own.

    + variant: mmdebstrap's; `extract` unpacks the packages and runs nothing of theirs
    + setup: a shell script that gets the root as $1 at the end
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    cgroup.run_inside(
        group,
        # What it mounts in the new root goes when it does, also if it is killed.
        *("unshare", "--mount", "--propagation=private"),
        "mmdebstrap",
        "--mode=root",
        f"--variant={variant}",
        f"--include={','.join(packages)}",
        *([f"--customize-hook={setup}"] if setup else []),
        # A testing suite's index expires in a week, and a mirror may stand still for longer.
        # It is signed all the same.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        suite,
        str(root),
        debian_mirror(),
        log=LOGS / f"{group}.log",
    )


def finish(unfinished: Path, base: Path) -> None:
    """Give a base its name, and remove older ones of its kind that no host stands on."""
    unfinished.rename(base)
    in_use = {link.resolve() for link in HOSTS.glob("*/base")} | {base}
    kind, _, _ = base.name.rpartition("-")
    for other in BASES.glob(f"{kind}-*"):
        if other not in in_use:
            run("rm", "-rf", "--one-file-system", str(other))
