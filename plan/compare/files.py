"""Which files of a release differ from what is on the host, told by their digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from facts.installed import InstalledState
from facts.release import Entry
from plan.model import HostPlan

# What every kind of key in PEM form has in its first line.
_PRIVATE_KEY = "PRIVATE KEY-----"


@dataclass(frozen=True)
class FileChange:
    """One file or link of the release that is to appear, change or go.

    + before: what is there now, none if nothing is
    + after: the whole text of what is to be, none if nothing
    """

    path: str
    before: Entry | None
    after: str | None


def file_changes(plan: HostPlan, installed: InstalledState) -> tuple[FileChange, ...]:
    """Return the files and links in which the current release is not as planned, by path."""
    live = installed.release.entries
    entries = {file.path: Entry(digest=sha256(file.data), mode=file.mode) for file in plan.files}
    entries |= {link.path: Entry(target=link.target) for link in plan.links}
    texts = {file.path: file.content for file in plan.files}
    texts |= {link.path: link_text(link.target) for link in plan.links}
    return tuple(
        FileChange(path, live.get(path), texts.get(path))
        for path in sorted(entries.keys() | live.keys())
        if live.get(path) != entries.get(path)
    )


def unshown(text: str) -> str:
    """Return what to say of a file in place of its text, empty where that can be shown."""
    size = len(text.encode(errors="surrogateescape"))
    if _PRIVATE_KEY in text:
        return f"holds a private key, {size} bytes"
    is_text = not any("\udc80" <= character <= "\udcff" for character in text)
    return "" if is_text else f"is no text, {size} bytes"


def sha256(data: bytes) -> str:
    """Return the digest by which a release's files are told apart."""
    return hashlib.sha256(data).hexdigest()


def link_text(target: str) -> str:
    """Return how a link is shown among files."""
    return f"link to {target}\n"
