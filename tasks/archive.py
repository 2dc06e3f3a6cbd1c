"""An image's archive on this machine: what it holds, and how it travels on standard input."""

from __future__ import annotations

import base64
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# A multiple of three: each line is base64 that ends without padding, so that lines can be joined.
_CHUNK = 3 * (1 << 16)
_GZIP = 16 + zlib.MAX_WBITS
_BLOB = re.compile(r"(?:\./)?blobs/sha256/[0-9a-f]{64}")
# Descriptions of images are small, layers are not.
_LARGEST_DESCRIPTION = 1 << 20


class ArchiveLines(list[str]):
    """A file as lines of base64, compressed on the way, read anew and piece by piece each time.

    A list by type alone, since pyinfra writes lists line by line and would read anything else
    into memory at once.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        # The fastest level: layers are often compressed already.
        packer = zlib.compressobj(1, wbits=_GZIP)
        pending = b""
        with self.path.open("rb") as file:
            while data := file.read(_CHUNK):
                pending += packer.compress(data)
                size = len(pending) // _CHUNK * _CHUNK
                for start in range(0, size, _CHUNK):
                    yield base64.b64encode(pending[start : start + _CHUNK]).decode()
                pending = pending[size:]
        yield base64.b64encode(pending + packer.flush()).decode()


def image_ids(path: Path) -> frozenset[str]:
    """Return the IDs of the images in an archive of either form, Docker's or OCI's.

    An image's ID is the digest of its configuration: hexadecimal, as `podman image inspect` prints
    it. Empty for what is no such archive; Podman then says why it cannot load it.
    """
    try:
        with tarfile.open(path) as archive:
            descriptions = dict(_descriptions(archive))
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return frozenset()
    ids = set()
    for name, value in descriptions.items():
        if name == "manifest.json" and isinstance(value, list):
            ids |= {Path(str(image.get("Config"))).stem for image in value}
        elif isinstance(value, dict) and isinstance(value.get("config"), dict):
            # A manifest. Configurations have an entry of that name, too, but no digest in it.
            ids.add(str(value["config"].get("digest", "")).removeprefix("sha256:"))
    return frozenset(ids - {""})


def _descriptions(archive: tarfile.TarFile) -> Iterator[tuple[str, Any]]:
    """Yield name and content of the archive's members that are small and JSON."""
    for member in archive:
        name = member.name.removeprefix("./")
        described = name == "manifest.json" or _BLOB.fullmatch(name)
        if not described or member.size > _LARGEST_DESCRIPTION:
            continue
        file = archive.extractfile(member)
        try:
            yield name, json.loads(file.read()) if file else None
        except ValueError:
            continue
