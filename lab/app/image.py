"""Builds the app image as OCI archives, from programs of the trixie base and two scripts.

All variants share one layer and differ in their environment alone. The same
input gives the same bytes. Needs root, for the programs run in the base.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab.app import oci
from lab.paths import IMAGES
from lab.shell import run

REPOSITORY = "localhost/onetime-lab"
SCRIPTS = Path(__file__).with_name("files")


@dataclass(frozen=True)
class Variant:
    """One tag of the image: the version that /whoami tells, and a fault the scripts know."""

    tag: str
    version: str
    fault: str = ""


VARIANTS = (
    Variant("1", version="1"),
    Variant("2", version="2"),
    Variant("exits", version="3", fault="exits"),
    Variant("never-healthy", version="3", fault="never-healthy"),
    Variant("dies", version="3", fault="dies"),
)


def archive(tag: str) -> Path:
    """Say where the archive of the variant is once the lab is up."""
    return IMAGES / f"onetime-lab-{tag}.tar"


def ensure(base: Path) -> None:
    """Build the archives of all variants from the base, unless they are there and current."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    sources = [base.name.encode(), *(file.read_bytes() for file in _sources())]
    key, stamp = hashlib.sha256(b"\0".join(sources)).hexdigest(), IMAGES / "key"
    if stamp.exists() and stamp.read_text() == key:
        return
    layer = _layer(base)
    for variant in VARIANTS:
        name = f"{REPOSITORY}:{variant.tag}"
        oci.write(archive(variant.tag), name=name, layers=[layer], config=_config(variant))
    stamp.write_text(key)


def _sources() -> list[Path]:
    return [Path(__file__), Path(oci.__file__), *sorted(SCRIPTS.iterdir())]


def _layer(base: Path) -> oci.Layer:
    """Pack the root file system: busybox with all its names, tcpsvd with its libraries, scripts."""
    files = {f"app/{script.name}": script for script in sorted(SCRIPTS.iterdir())}
    libraries = run("chroot", str(base), "ldd", "/usr/bin/tcpsvd").split()
    for file in ("/bin/busybox", "/bin/tcpsvd", *libraries):
        if file.startswith("/"):
            files[file.removeprefix("/")] = base / file.removeprefix("/")
    return oci.Layer(files, oci.busybox_links(base))


def _config(variant: Variant) -> dict[str, object]:
    """Describe how a container of the variant runs."""
    labels = {"title": "onetime-lab", "version": variant.version}
    environment = {
        "PATH": "/bin",
        "PORT": "3000",
        "APP_VERSION": variant.version,
        "APP_FAULT": variant.fault,
    }
    return {
        "Entrypoint": ["/app/serve"],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "ExposedPorts": {"3000/tcp": {}},
        "Labels": {f"org.opencontainers.image.{key}": text for key, text in labels.items()},
        "StopSignal": "SIGTERM",
    }
