"""Programs for tests: Debian's packages, unpacked and run where they lie.

Nothing is installed on the machine, so no service of a package's starts there. Like the bases of
hosts each is finished or absent, and `lab down` keeps it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab import base
from lab.paths import BASES

SUITE = "trixie"


@dataclass(frozen=True)
class Unpacked:
    """Packages that are unpacked together, under a name of the lab's."""

    name: str
    packages: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where they are, unpacked or not."""
        content = "\0".join((SUITE, *self.packages))
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        return BASES / f"{self.name}-{SUITE}-{digest}"

    def ensure(self) -> Path:
        """Return the directory of the packages, unpacked if it isn't there yet (some seconds)."""
        if not self.path.exists():
            print(f"unpacking {self.name}", flush=True)
            unfinished = base.begin(self.path)
            group = f"build-{self.name}"
            base.bootstrap(SUITE, unfinished, self.packages, group=group, variant="extract")
            base.finish(unfinished, self.path)
        return self.path

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line that runs a program with the libraries that came with it."""
        root = self.ensure()
        (loader,) = root.glob("usr/lib/*/ld-linux-*.so.*")
        libraries = ["--library-path", str(loader.parent)]
        return [str(loader), *libraries, str(root / program), *arguments]


HAPROXY = Unpacked("haproxy", ("haproxy",))
REGISTRY = Unpacked("registry", ("docker-registry", "openssl"))
# One program without libraries.
CADDY = Unpacked("caddy", ("caddy",))
