"""HAProxy for tests: Debian's package, unpacked and run where it lies.

Nothing is installed on the machine, so no service of the package's starts there. Like the bases of
hosts it is finished or absent, and `lab down` keeps it.
"""

import hashlib
from pathlib import Path

from lab import base
from lab.paths import BASES

SUITE = "trixie"
PACKAGES = ("haproxy",)


def path() -> Path:
    """Say where the unpacked package is, there or not."""
    content = "\0".join((SUITE, *PACKAGES))
    return BASES / f"haproxy-{SUITE}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def ensure() -> Path:
    """Return the directory of the package, unpacked if it isn't there yet (about 4 seconds)."""
    finished = path()
    if not finished.exists():
        print("unpacking HAProxy", flush=True)
        unfinished = base.begin(finished)
        base.bootstrap(SUITE, unfinished, PACKAGES, group="build-haproxy", variant="extract")
        base.finish(unfinished, finished)
    return finished


def command(unpacked: Path, *arguments: str) -> list[str]:
    """Return the command line that runs HAProxy with the libraries that it was unpacked with."""
    (loader,) = unpacked.glob("usr/lib/*/ld-linux-*.so.*")
    libraries = ["--library-path", str(loader.parent)]
    return [str(loader), *libraries, str(unpacked / "usr/sbin/haproxy"), *arguments]
