"""Values of secrets that this run knows: stars stand for them in whatever it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from facts.text import printable

# Anything shorter stands in ordinary text, too.
_SHORTEST = 6
_STARS = "*****"

_concealed: set[str] = set()


def conceal(values: Iterable[str]) -> None:
    """Have stars stand for these values from here on, and for passwords of addresses in them."""
    for value in values:
        parts = (part for whole in _parts(value) for part in (whole, printable(whole)))
        _concealed.update(part for part in parts if len(part) >= _SHORTEST)


def masked(text: str) -> str:
    """Return text with stars for what is concealed."""
    # The longest come first, since one may be a part of another.
    for value in sorted(_concealed, key=len, reverse=True):
        text = text.replace(value, _STARS)
    return text


def _parts(value: str) -> Iterator[str]:
    """Yield what an app may show of a value: all of it, its lines, a password in an address."""
    yield value
    yield from value.splitlines()
    with suppress(ValueError):
        yield urlsplit(value).password or ""
