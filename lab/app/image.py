"""Builds the app image as OCI archives, from programs of the trixie base and two scripts.

All variants share one layer and differ in their environment alone. The same
input gives the same bytes. Needs root, for the programs run in the base.
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from pathlib import Path

from lab.paths import IMAGES
from lab.shell import run

REPOSITORY = "localhost/onetime-lab"
SCRIPTS = Path(__file__).with_name("files")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
OCI = "application/vnd.oci.image"


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
    packed = gzip.compress(layer, mtime=0)
    for variant in VARIANTS:
        unfinished = IMAGES / "unfinished"
        unfinished.write_bytes(_image(_config(variant, layer), packed, tag=variant.tag))
        unfinished.rename(archive(variant.tag))
    stamp.write_text(key)


def _sources() -> list[Path]:
    return [Path(__file__), *sorted(SCRIPTS.iterdir())]


def _layer(base: Path) -> bytes:
    """Pack the root file system: busybox with all its names, tcpsvd with its libraries, scripts."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for script in sorted(SCRIPTS.iterdir()):
            _add(tar, f"app/{script.name}", script.read_bytes())
        libraries = run("chroot", str(base), "ldd", "/usr/bin/tcpsvd").split()
        for file in ("/bin/busybox", "/bin/tcpsvd", *libraries):
            if file.startswith("/"):
                _add(tar, file.removeprefix("/"), (base / file.removeprefix("/")).read_bytes())
        for name in run("chroot", str(base), "busybox", "--list").split():
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755
    tar.addfile(member, io.BytesIO(content))


def _image(description: dict[str, object], packed: bytes, *, tag: str) -> bytes:
    """Put an image together: an OCI image layout in a tar, as `podman load` takes it."""
    blobs: dict[str, bytes] = {}

    def blob(kind: str, content: bytes, **more: object) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        media_type = f"{OCI}.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **more}

    config = blob("config.v1+json", _json(description))
    layer = blob("layer.v1.tar+gzip", packed)
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": config,
        "layers": [layer],
    }
    name = {"org.opencontainers.image.ref.name": f"{REPOSITORY}:{tag}"}
    entry = blob("manifest.v1+json", _json(manifest), annotations=name)
    blobs["index.json"] = _json({"schemaVersion": 2, "manifests": [entry]})
    blobs["oci-layout"] = _json({"imageLayoutVersion": "1.0.0"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in sorted(blobs.items()):
            _add(tar, path, content)
    return buffer.getvalue()


def _config(variant: Variant, layer: bytes) -> dict[str, object]:
    """Describe how a container of the variant runs."""
    labels = {"title": "onetime-lab", "version": variant.version}
    environment = {
        "PATH": "/bin",
        "PORT": "3000",
        "APP_VERSION": variant.version,
        "APP_FAULT": variant.fault,
    }
    return {
        "architecture": ARCHITECTURE[platform.machine()],
        "os": "linux",
        "config": {
            "Entrypoint": ["/app/serve"],
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "ExposedPorts": {"3000/tcp": {}},
            "Labels": {f"org.opencontainers.image.{key}": text for key, text in labels.items()},
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
