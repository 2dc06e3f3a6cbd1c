"""Container images from nothing: layers of files, put together as an OCI image layout.

The same input gives the same bytes.
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.shell import run

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Layer:
    """Files and where each is taken from, and symbolic links: all root's, all executable."""

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


@dataclass(frozen=True)
class Tree:
    """A directory as it is, with modes and links, and its place in the container.

    + owner: whose its files are, as uid and gid; their own where none is given
    """

    root: Path
    place: str = ""
    owner: int | None = None

    def pack(self) -> bytes:
        """Return it as a tar archive, in the order of names and without times."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path in sorted(self.root.rglob("*")):
                name = str(Path(self.place) / path.relative_to(self.root))
                member = tar.gettarinfo(str(path), name)
                member.mtime, member.uname, member.gname = 0, "", ""
                if self.owner is not None:
                    member.uid = member.gid = self.owner
                if member.isreg():
                    with path.open("rb") as file:
                        tar.addfile(member, file)
                else:
                    tar.addfile(member)
        return buffer.getvalue()


def busybox_links(base: Path) -> dict[str, str]:
    """Return a link in bin for each name of the base's busybox."""
    names = run("chroot", str(base), "busybox", "--list").split()
    return {f"bin/{name}": "busybox" for name in names if name != "busybox"}


def write(
    file: Path, *, name: str, layers: Sequence[Layer | Tree], config: Mapping[str, object]
) -> None:
    """Write the image as an archive that `podman load` takes, whole or not at all.

    + name: the reference that the image is loaded under
    + layers: what is in it, the lowest first
    + config: how a container of the image runs, in OCI's words
    """
    contents = [layer.pack() for layer in layers]
    digests = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in contents]
    packed = [gzip.compress(content, compresslevel=1, mtime=0) for content in contents]
    description = {
        "architecture": ARCHITECTURE[platform.machine()],
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": digests},
    }
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_bytes(_image(description, packed, name=name))
    unfinished.rename(file)


def _image(description: Mapping[str, object], packed: Sequence[bytes], *, name: str) -> bytes:
    """Put an image together: an OCI image layout in a tar."""
    blobs: dict[str, bytes] = {}

    def blob(kind: str, content: bytes, **more: object) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        media_type = f"{OCI}.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **more}

    config = blob("config.v1+json", _json(description))
    layers = [blob("layer.v1.tar+gzip", layer) for layer in packed]
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": config,
        "layers": layers,
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
