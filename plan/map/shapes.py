"""What a drawing is made of: frozen values with their places in pixels, ready for a template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zlib import crc32

_PLAIN = re.compile(r"[A-Za-z0-9.-]+")
_STRANGE = re.compile(r"[^A-Za-z0-9.-]")
# The width of a character beside its height, in the widest of the usual fonts; names are bold.
_ASPECT, _BOLD = 0.62, 0.72


@dataclass(frozen=True)
class Text:
    """A line of text; x is its start, middle or end, as `anchor` says.

    + kind: words that the page's style sheet gives a look
    + whole: the whole text, where what is shown was cut
    """

    x: float
    y: float
    text: str
    kind: str = ""
    anchor: str = "start"
    whole: str = ""


@dataclass(frozen=True)
class Box:
    """A rectangle.

    + tip: what is told of it when it is pointed at
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    tip: str = ""


@dataclass(frozen=True)
class Arrow:
    """A way along straight lines, as an SVG path.

    + target: the page's part that tells more
    """

    path: str
    kind: str
    target: str = ""


@dataclass(frozen=True)
class Drawing:
    """A picture: boxes lie below arrows, and texts above all.

    + title: what it shows
    """

    title: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    texts: tuple[Text, ...]


def fitted(
    x: float,
    y: float,
    text: str,
    width: float,
    kind: str = "",
    *,
    anchor: str = "start",
    size: int = 12,
) -> Text:
    """Return a text that is cut to a width in pixels.

    + size: of the letters
    """
    room = max(1, int(width / (size * (_BOLD if kind == "name" else _ASPECT))))
    if len(text) <= room:
        return Text(x, y, text, kind, anchor)
    return Text(x, y, text[: room - 1] + "…", kind, anchor, whole=text)


def anchor(*words: object) -> str:
    """Return what a part of the page is called in links: the same for the same words, always."""
    parts = []
    for word in map(str, words):
        plain = _STRANGE.sub("-", word)
        if not _PLAIN.fullmatch(word):
            plain += f"-{crc32(word.encode(errors='surrogatepass')):08x}"
        parts.append(plain)
    return "_".join(parts)
