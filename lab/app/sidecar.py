"""Builds the image of the WireGuard sidecar: a shell, `ip`, `wg` and `wireguard-go`.

The shell is the base's busybox, the programs are the machine's own, with the
libraries that they ask for.
"""

import hashlib
import shutil
from pathlib import Path

from lab.app import oci
from lab.paths import IMAGES
from lab.shell import LabError, run

NAME = "localhost/onetime-lab-wg:1"
PROGRAMS = ("ip", "wg", "wireguard-go")


def archive() -> Path:
    """Say where the archive is once the lab is up."""
    return IMAGES / "onetime-lab-wg-1.tar"


def ensure(base: Path) -> None:
    """Build the archive, unless it is there and made of the programs of today."""
    files = {"bin/busybox": base / "bin/busybox"}
    for program in PROGRAMS:
        path = shutil.which(program)
        if path is None:
            raise LabError(f"this machine has no program {program}")
        files[f"bin/{program}"] = Path(path)
        words = run("ldd", path).split()
        files |= {word.removeprefix("/"): Path(word) for word in words if word.startswith("/")}
    sources = [Path(__file__), Path(oci.__file__), *files.values()]
    key = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = IMAGES / "key-wg"
    if stamp.exists() and stamp.read_text() == key:
        return
    # Its own `ip` makes more kinds of links than busybox's.
    links = {name: to for name, to in oci.busybox_links(base).items() if name not in files}
    config = {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}
    oci.write(archive(), name=NAME, layers=[oci.Layer(files, links)], config=config)
    stamp.write_text(key)
