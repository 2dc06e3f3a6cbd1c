"""Text from hosts, made harmless before it comes to the operator's terminal."""

from __future__ import annotations

import re

_COLOURS = re.compile(r"(\x1b\[[0-9;:]*m)")


def printable(text: str, *, keep: str = "\t") -> str:
    """Return text in which nothing acts on a terminal, or passes for something else.

    Colours go. Other control characters, and those that turn, hide or join text, are written as
    Python escapes them. Carriage returns before line ends are line ends.

    + keep: characters to leave as they are all the same
    """
    plain = _COLOURS.sub("", text).replace("\r\n", "\n").rstrip("\r")
    if plain.isprintable():
        return plain
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode()
        for character in plain
    )


def printable_with_colours(text: str) -> str:
    """Return text like `printable`, but with colours and line ends: those of pyinfra's own."""
    return "".join(
        part if _COLOURS.fullmatch(part) else printable(part, keep="\t\n")
        for part in _COLOURS.split(text)
    )
