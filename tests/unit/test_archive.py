"""Archives of images: what they hold, and how they travel."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.archive import ArchiveLines, image_ids

ID = "ab" * 32
OTHER = "cd" * 32


def tar(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@given(st.integers(0, 600_000), st.binary(min_size=1, max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_lines_joined_are_the_compressed_file(tmp_path: Path, size: int, pattern: bytes) -> None:
    path = tmp_path / "archive"
    content = (pattern * (size // len(pattern) + 1))[:size]
    path.write_bytes(content)
    lines = ArchiveLines(path)
    assert lines
    for _ in range(2):
        packed = base64.b64decode("\n".join(lines))
        assert gzip.decompress(packed) == content


def test_lines_hold_no_more_than_a_piece(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"".join(bytes([byte % 251, byte // 251 % 256]) for byte in range(10**6)))
    assert max(map(len, ArchiveLines(path))) <= 1 << 18


def test_ids_of_an_archive_of_dockers_form(tmp_path: Path) -> None:
    manifest = json.dumps([{"Config": f"{ID}.json", "RepoTags": ["x:1"]}, {"Config": OTHER}])
    path = tar(tmp_path / "a.tar", {"layer.tar": b"{", "manifest.json": manifest.encode()})
    assert image_ids(path) == {ID, OTHER}


def test_ids_of_an_archive_of_ocis_form(tmp_path: Path) -> None:
    manifest = json.dumps({"config": {"digest": f"sha256:{ID}"}, "layers": []})
    members = {
        "index.json": b"{}",
        f"blobs/sha256/{'00' * 32}": manifest.encode(),
        f"blobs/sha256/{'11' * 32}": b"\x1f\x8b no JSON",
        f"blobs/sha256/{ID}": b'{"config": {"Env": []}}',
    }
    assert image_ids(tar(tmp_path / "a.tar", members)) == {ID}


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b\x08\0 cut off"])
def test_ids_of_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    assert image_ids(path) == frozenset()
