"""What virtual machines are made from, built once: a disk, a kernel, and the QEMU to run them.

All of it is one base like the others: finished or absent, under a hash of what
went into it. A host keeps the one that it was made from, QEMU included, and
the machine gets no package for it.
"""

import hashlib
import struct
from pathlib import Path

from lab import base, cgroup
from lab.paths import BASES, LOGS

SUITE = "trixie"
GROUP = f"build-vm-{SUITE}"

# Of a base: the root file system, the kernel, and tools with the libraries that they need.
ROOT = "root.img"
KERNEL = "vmlinux"
BUSYBOX = "busybox"
PROGRAMS = "bin"
LIBRARIES = "lib"
FIRMWARE = "firmware"

PACKAGES = (*base.PACKAGES, "udev", "kmod")

# Only unpacked, no script of theirs runs: installing a kernel would build an initrd.
PARTS = ("linux-image-cloud-amd64", "qemu-system-x86", "qemu-utils", "e2fsprogs", "zstd")

SETUP = (
    base.SETUP
    + r"""
# Unlike a host on the machine's kernel it has all cgroup controllers.
rm etc/containers/containers.conf
# They cost seconds at emulated speed; nobody logs in at the console or looks at a screen.
chroot . systemctl --quiet mask getty.target systemd-pstore.service \
    systemd-networkd-persistent-storage.service systemd-udev-load-credentials.service \
    modprobe@drm.service modprobe@configfs.service sys-kernel-config.mount \
    dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount
"""
)

# $1: the unfinished base, with the directories root and parts.
ASSEMBLE = rf"""
set -eu
cd "$1"
mv parts/usr/lib/modules root/usr/lib/modules
chroot root depmod "$(ls root/usr/lib/modules)"
cp root/usr/bin/busybox {BUSYBOX}
mkdir {PROGRAMS}
mv parts/usr/lib/x86_64-linux-gnu {LIBRARIES}
mv parts/usr/share/qemu {FIRMWARE}
mv parts/usr/bin/qemu-system-x86_64 parts/usr/bin/qemu-img parts/usr/bin/zstd {PROGRAMS}
mv parts/usr/sbin/mke2fs {PROGRAMS}
tool() {{ program=$1; shift; {LIBRARIES}/ld-linux-x86-64.so.2 --library-path {LIBRARIES} \
    "{PROGRAMS}/$program" "$@"; }}
tool zstd -q -d --rm {KERNEL}.zst
# The image is a sparse file: what is not written is zero, and no kernel needs to make it so.
tool mke2fs -q -t ext4 -E assume_storage_prezeroed=1 -d root {ROOT} 8G
rm -rf --one-file-system root parts
"""


def path() -> Path:
    """Say where the present base is, built or not."""
    content = "\0".join((SUITE, *PACKAGES, SETUP, *PARTS, ASSEMBLE))
    return BASES / f"vm-{SUITE}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def ensure() -> Path:
    """Return the base, built if it isn't there yet (about 40 seconds)."""
    finished = path()
    if finished.exists():
        return finished
    print("building the base of virtual machines", flush=True)
    unfinished = base.begin(finished)
    base.bootstrap(SUITE, unfinished / "root", PACKAGES, group=GROUP, setup=SETUP)
    base.bootstrap(SUITE, unfinished / "parts", PARTS, group=GROUP, variant="extract")
    (kernel,) = unfinished.glob("parts/boot/vmlinuz-*")
    (unfinished / f"{KERNEL}.zst").write_bytes(_packed_kernel(kernel.read_bytes()))
    cgroup.run_inside(
        GROUP,
        *("unshare", "--mount", "--propagation=private"),
        *("sh", "-c", ASSEMBLE, "sh", str(unfinished)),
        log=LOGS / f"{GROUP}.log",
    )
    base.finish(unfinished, finished)
    return finished


def program(built: Path, name: str) -> list[str]:
    """Return the start of a command line: a program of the base with the base's own libraries."""
    libraries = built / LIBRARIES
    loader = str(libraries / "ld-linux-x86-64.so.2")
    return [loader, "--library-path", str(libraries), str(built / PROGRAMS / name)]


def _packed_kernel(image: bytes) -> bytes:
    """Cut the packed kernel out of its image, so that it need not unpack itself at emulated speed.

    The offsets are those of Linux' Documentation/arch/x86/boot.rst; the last
    four bytes are the unpacked size, which is not part of the packed stream.
    """
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return image[start : start + length - 4]
