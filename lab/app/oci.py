"""Container images from nothing: one layer of files, put together as an OCI image layout.

The same input gives the same bytes.
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.shell import run

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Layer:
    """A root file system: files and where each is taken from, and symbolic links."""

    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return it as a tar archive."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, source in self.files.items():
                _add(tar, name, source.read_bytes())
            for name, target in self.links.items():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, target
                tar.addfile(link)
        return buffer.getvalue()


def busybox_links(base: Path) -> dict[str, str]:
    """Return a link in bin for each name of the base's busybox."""
    names = run("chroot", str(base), "busybox", "--list").split()
    return {f"bin/{name}": "busybox" for name in names if name != "busybox"}


def write(file: Path, *, name: str, layer: Layer, config: Mapping[str, object]) -> None:
    """Write the image as an archive that `podman load` takes, whole or not at all.

    + name: the reference that the image is loaded under
    + config: how a container of the image runs, in OCI's words
    """
    content = layer.pack()
    description = {
        "architecture": ARCHITECTURE[platform.machine()],
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
    }
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_bytes(_image(description, gzip.compress(content, mtime=0), name=name))
    unfinished.rename(file)


def _image(description: Mapping[str, object], packed: bytes, *, name: str) -> bytes:
    """Put an image together: an OCI image layout in a tar."""
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
    annotations = {"org.opencontainers.image.ref.name": name}
    entry = blob("manifest.v1+json", _json(manifest), annotations=annotations)
    blobs["index.json"] = _json({"schemaVersion": 2, "manifests": [entry]})
    blobs["oci-layout"] = _json({"imageLayoutVersion": "1.0.0"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in sorted(blobs.items()):
            _add(tar, path, content)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755
    tar.addfile(member, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
