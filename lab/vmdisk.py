"""The disk of a virtual machine, which adds to its base's, and the first file system beside it."""

import os
from pathlib import Path

from lab import initrd, vmbase
from lab.shell import run

IMAGE = "disk.qcow2"
INITRD = "initrd"


def make(directory: Path, base: Path) -> None:
    """Put both into a host's directory, in which `upper` has the host's own files."""
    image = directory / IMAGE
    run(
        *vmbase.program(base, "qemu-img"),
        *("create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base / vmbase.ROOT)),
        str(image),
    )
    image.chmod(0o600)  # the host's private key will be on it
    archive = initrd.build(base / vmbase.BUSYBOX, directory / "upper")
    file = os.open(directory / INITRD, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as output:  # and is in here
        output.write(archive)
