"""The releases that a host keeps: what is known of each, and the files of the current one."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from facts.values import Readable


@dataclass(frozen=True)
class Entry(Readable):
    """One file or symbolic link of the installed release; exactly one of the two texts is set."""

    content: str | None = None
    target: str | None = None
    mode: int = 0o644

    def to_json(self) -> dict[str, Any]:
        """Return what the entry is, not its text: the environment may be private."""
        if self.target is not None:
            return {"target": self.target}
        return {"bytes": len(self.content or ""), "mode": oct(self.mode)}


@dataclass(frozen=True)
class About(Readable):
    """When a release was made (ISO 8601, UTC), by whom, and the image's ID at that time."""

    time: str
    operator: str
    image: str

    def __str__(self) -> str:
        """Tell a release from others, in a few words."""
        return f"{self.time} by {self.operator}, image {self.image[:12]}"


_UNKNOWN = About("at an unknown time", "nobody known", "unknown")


def parse_releases(listing: str, abouts: str) -> dict[int, About]:
    """Return what is known of each release, by number, from `ls` and lines of NUMBER and `about`.

    A release whose description is lost is there all the same.
    """
    told = {}
    for line in abouts.splitlines():
        number, *words = line.split()
        if number.isdecimal() and len(words) == len(fields(About)):
            told[int(number)] = About(*words)
    numbers = sorted(int(name) for name in listing.split() if name.isdecimal())
    return {number: told.get(number, _UNKNOWN) for number in numbers}


def parse_release(payload: str) -> dict[str, Entry]:
    """Return the entries of a tar archive in base64, by path relative to the release.

    Raises `ValueError` on anything that `tar` on the host would not write.
    """
    if not payload.strip():
        return {}
    data = io.BytesIO(base64.b64decode(payload, validate=True))
    try:
        # Uncompressed only: a small hostile answer must stay small.
        with tarfile.open(fileobj=data, mode="r:") as archive:
            return dict(_entries(archive))
    except (tarfile.TarError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"the installed release cannot be read: {error}") from None


def _entries(archive: tarfile.TarFile) -> Iterator[tuple[str, Entry]]:
    for member in archive:
        # A negative size sends the reader round in circles, a sparse file has any size it likes.
        if member.size < 0 or member.issparse():
            raise ValueError(f"the installed release holds {member.name[:60]!a} of no real size")
        path = member.name.removeprefix("./")
        if member.issym():
            yield path, Entry(target=member.linkname)
        elif member.isfile() and (file := archive.extractfile(member)):
            # What is not UTF-8 is no file of ours: it differs, and is written anew.
            yield path, Entry(content=file.read().decode(errors="replace"), mode=member.mode)
