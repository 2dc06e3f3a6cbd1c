"""The first file system of a virtual machine: an archive that its kernel unpacks into memory.

It mounts the machine's disk, puts the host's own files on it if this is the
first boot, and hands over to the systemd on it. A boot that was cut off at any
point of this is completed by the next.
"""

import stat
import time
from pathlib import Path

DISK = "/dev/nvme0n1"

INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
# The kernel may still be looking for its disks.
until [ -b {DISK} ]; do usleep 20000; done
mount -t ext4 -o noatime {DISK} /disk
# The machine's identity comes last: where it is, everything is.
if [ ! -s /disk/etc/machine-id ]; then
    mv /own/etc/machine-id /machine-id
    cp -a /own/. /disk/
    sync
    cp /machine-id /disk/etc/machine-id
    sync
fi
umount /dev
exec switch_root /disk /sbin/init
"""

DIRECTORY = stat.S_IFDIR | 0o755
PROGRAM = stat.S_IFREG | 0o755


def build(busybox: Path, own_files: Path) -> bytes:
    """Return the archive with the given busybox and a host's own files, root's all of them.

    `own_files` has them as they shall be on the disk, modes included;
    etc/machine-id must be among them.
    """
    entries = [
        *((name, DIRECTORY, b"") for name in ("bin", "dev", "disk", "own")),
        ("init", PROGRAM, INIT.encode()),
        ("bin/busybox", PROGRAM, busybox.read_bytes()),
    ]
    for path in sorted(own_files.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        entries.append((f"own/{path.relative_to(own_files)}", path.stat().st_mode, content))
    return _cpio(entries)


def _cpio(entries: list[tuple[str, int, bytes]]) -> bytes:
    """Write (path, mode, content) as cpio in its "newc" form, the one that Linux unpacks."""
    archive = bytearray()
    now = int(time.time())
    for inode, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        # inode, mode, owner, group, links, time, size, two devices of two numbers, name, check
        fields = (inode, mode, 0, 0, 1, now, len(content), 0, 0, 0, 0, len(name.encode()) + 1, 0)
        archive += b"070701" + b"".join(b"%08X" % field for field in fields)
        archive += name.encode() + b"\0"
        archive += b"\0" * (-len(archive) % 4)
        archive += content
        archive += b"\0" * (-len(archive) % 4)
    return bytes(archive)
