"""The releases that a host keeps: what is known of each, and what the current one holds."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import names
from facts.reading import Part, ScriptFact, filled, script
from facts.text import printable
from facts.values import Readable

_SHA256 = 64

# File names may hold anything but NUL, and bytes that are no text: base64 once more.
_QUESTION = r"""
abouts() { cd @RELEASES@ && grep '' */about | sed 's|/about:| |'; }
marks() { cd @RELEASES@ && ls -d */@SERVED@ */@FAILED@; }
# All but the notes about it, which no two releases share.
noted=$(printf ' ! -path ./%s' @RELEASE_NOTES@)
entries() {
  cd @CURRENT@/ || return
  find . \( -type f -o -type l \) $noted -printf '%y %m %P\0%l\0' | base64 -w0
}
digests() {
  cd @CURRENT@/ && find . -type f $noted -print0 | xargs -0r sha256sum --zero | base64 -w0
}
drop_ins() {
  cd @CURRENT@/ && grep -sH '^Network=' quadlet/@INSTANCE@@*.container.d/address.conf \
    quadlet/@SIDECAR@@*.container.d/address.conf quadlet/@JOB@@*.container.d/address.conf
}
images() { sed -n 's/^Image=//p' @CURRENT@/quadlet/@INSTANCE@@.container; }
named() { grep -rh '^Secret=' @CURRENT@/quadlet/ | sort -u; }
printable() { "$@" | tr -cd '[:print:]\n'; }
say releases ls @RELEASES@
say abouts abouts
say marks marks
say entries entries
say digests digests
say drop_ins printable drop_ins
say named printable named
say image printable images
"""


@dataclass(frozen=True)
class Entry(Readable):
    """One file, by the SHA-256 digest of its content, or one symbolic link, by its target.

    Links have no mode of their own.
    """

    digest: str | None = None
    target: str | None = None
    mode: int | None = None


@dataclass(frozen=True)
class About(Readable):
    """When a release was made (ISO 8601, UTC), by whom, and the image's ID at that time.

    The digest is its manifest's, `sha256:…`: what a registry knows it by, where the ID is what the
    host does. Releases of older versions of the deploy have none.
    """

    time: str
    operator: str
    image: str
    digest: str = ""

    def __str__(self) -> str:
        """Tell a release from others, in a few words."""
        return f"{self.time} by {self.operator}, image {self.image[:12]}"


_UNKNOWN = About("at an unknown time", "nobody known", "unknown")


def parse_releases(listing: str, abouts: str) -> dict[int, About]:
    """Return what is known of each release, by number, from `ls` and lines of NUMBER and `about`.

    A release whose description is lost is there all the same.
    """
    releases = {}
    for line in abouts.splitlines():
        match line.split():
            case [number, time, operator, image] if number.isdecimal():
                releases[int(number)] = About(time, operator, image)
            case [number, time, operator, digest, image] if number.isdecimal():
                releases[int(number)] = About(time, operator, image, digest)
    numbers = sorted(int(name) for name in listing.split() if name.isdecimal())
    return {number: releases.get(number, _UNKNOWN) for number in numbers}


@dataclass(frozen=True)
class ReleaseState(Readable):
    """The releases of a host.

    + kept: what is known of each, by number
    + marks: how each fared, `served` or `failed`, as far as is known
    + entries: what the current one holds, by path
    + drop_ins: the `Network=` lines of the instances' drop-ins, by path
    + secret_lines: the `Secret=` lines of its units
    + images: what its instances run, by name
    """

    kept: Mapping[int, About]
    marks: Mapping[int, str]
    entries: Mapping[str, Entry]
    drop_ins: Mapping[str, str]
    secret_lines: tuple[str, ...]
    images: tuple[str, ...]


def _parse(answers: Mapping[str, str]) -> ReleaseState:
    drop_ins: dict[str, str] = {}
    for path, _, line in (line.partition(":") for line in answers["drop_ins"].splitlines()):
        drop_ins[path] = f"{drop_ins.get(path, '')}{line}\n"
    return ReleaseState(
        kept=parse_releases(answers["releases"], answers["abouts"]),
        marks={
            int(number): mark
            for number, _, mark in (line.partition("/") for line in answers["marks"].splitlines())
            if number.isdecimal()
        },
        entries=parse_entries(answers["entries"], answers["digests"]),
        drop_ins=drop_ins,
        secret_lines=tuple(answers["named"].splitlines()),
        images=tuple(answers["image"].splitlines()),
    )


def parse_entries(listing: str, digests: str) -> dict[str, Entry]:
    """Return the entries of a release by path, from NUL-separated lists in base64.

    + listing: `TYPE MODE PATH` and a link's target, by turns
    + digests: `DIGEST  ./PATH`, as `sha256sum` prints them

    A file without a digest cannot be read: it has an empty one, like no other. Raises `ValueError`
    on anything that these programs would not print.
    """
    sums = {}
    for line in _split(digests):
        digest, _, path = line.partition("  ./")
        if len(digest) != _SHA256 or not path:
            raise ValueError(f"sha256sum printed {line[:80]!a}")
        sums[path] = digest
    parts = _split(listing)
    if len(parts) % 2:
        raise ValueError("the list of the release's files is cut off")
    entries = {}
    for line, target in zip(parts[::2], parts[1::2], strict=True):
        kind, mode, path = [*line.split(" ", 2), "", ""][:3]
        if kind not in {"f", "l"} or not path or not _is_octal(mode):
            raise ValueError(f"find printed {line[:80]!a}")
        if kind == "l":
            entries[path] = Entry(target=target)
        else:
            entries[path] = Entry(digest=sums.get(path, ""), mode=int(mode, 8))
    return entries


def _split(payload: str) -> list[str]:
    """Return the NUL-terminated parts of text in base64; foreign bytes are replaced."""
    text = base64.b64decode(payload, validate=True).decode(errors="replace")
    return text.split("\0")[:-1]


def _is_octal(text: str) -> bool:
    return bool(text) and set(text) <= set("01234567")


RELEASE = Part(_QUESTION, _parse)


class ReleaseTexts(ScriptFact[Mapping[str, str]]):
    """Read files of the current release, such as differ from what is planned.

    Each is read up to a limit: what is longer is no file of the deploy's.

    + paths: relative to the release
    """

    limit = 1 << 16

    def command(self, paths: Sequence[str]) -> str:
        """Return the script; it changes nothing on the host."""
        files = [shlex.quote(f"{names.CURRENT}/{path}") for path in paths]
        return script(
            "\n".join(
                f"say {number} sh -c 'head -c {self.limit} \"$0\" | base64 -w0' {file}"
                for number, file in enumerate(files)
            )
        )

    def read(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return the texts by the number of their path; foreign bytes are replaced."""
        return {
            number: printable(
                base64.b64decode(payload, validate=True).decode(errors="replace"), keep="\n\t"
            )
            for number, payload in answers.items()
        }


@dataclass(frozen=True)
class KeptRelease(Readable):
    """What a release that is kept would do, and whether it is whole.

    + broken: files that are missing or are not what they were, as `sha256sum` tells them
    + configs: the digests of its instances' configurations, by port
    + question: what to ask about its paths, as JSON; empty where it has none
    """

    broken: tuple[str, ...]
    configs: Mapping[int, str]
    question: str


class Kept(ScriptFact[KeptRelease]):
    """Read a release that is kept.

    + number: which one
    """

    def command(self, number: int) -> str:
        """Return the script; it changes nothing on the host."""
        release = f"{names.RELEASES}/{number}"
        return script(
            filled(
                f"cd {release}/ || exit\n"
                "broken() { sha256sum --quiet --check @DIGESTS@ 2>&1 | grep -v ': WARNING: '; }\n"
                "configs() { grep -H '^Label=@CONFIG_LABEL@=' "
                "quadlet/@INSTANCE@@*.container.d/config.conf; }\n"
                "say broken broken\nsay configs configs\nsay question cat @QUESTION@\n"
            )
        )

    def read(self, answers: Mapping[str, str]) -> KeptRelease:
        """Parse the answers; `ValueError` on nonsense."""
        configs = {}
        for line in answers["configs"].splitlines():
            path, _, label = line.partition(":")
            port = path.partition("@")[2].partition(".")[0]
            configs[int(port)] = label.rpartition("=")[2]
        return KeptRelease(tuple(answers["broken"].splitlines()), configs, answers["question"])
