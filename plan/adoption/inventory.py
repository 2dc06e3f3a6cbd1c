"""Words and notes as the text of an inventory: Python that pyinfra reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

from facts.text import printable
from plan.adoption.notes import GENERAL
from plan.adoption.words import Adoption
from plan.inventory.settings import KEYS

_WIDTH = 100


def inventory_text(adoptions: Iterable[tuple[Adoption, Mapping[str, Any]]]) -> str:
    """Return an inventory of hosts, each with its connection's words."""
    lines = ["hosts = ["]
    for adoption, connection in adoptions:
        lines += _comments(adoption.notes.get(GENERAL, ()), 4, adoption.host)
        if adoption.words:
            lines += _host(adoption, connection)
    return "\n".join([*lines, "]", ""])


def _host(adoption: Adoption, connection: Mapping[str, Any]) -> Iterator[str]:
    yield "    ("
    yield f"        {_python(adoption.host)},"
    yield "        {"
    for word, value in connection.items():
        yield f"            {_python(word)}: {_python(value)},"
    for word in KEYS:
        yield from _comments(adoption.notes.get(word, ()), 12, word)
        if word in adoption.words:
            yield from _assignment(word, adoption.words[word])
    yield "        },"
    yield "    ),"


def _assignment(word: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"            {_python(word)}: {_python(value)},"
        return
    yield f"            {_python(word)}: {{"
    for name, part in value.items():
        yield f"                {_python(name)}: {_python(part)},"
    yield "            },"


def _python(value: Any) -> str:
    """Return a value as Python that is harmless to look at."""
    if isinstance(value, str):
        # The same in both languages, and with the quotes that the inventories here have.
        return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    if isinstance(value, dict):
        pairs = (f"{_python(name)}: {_python(part)}" for name, part in value.items())
        return f"{{{', '.join(pairs)}}}"
    return repr(value)


def _comments(sentences: Iterable[str], indent: int, subject: str) -> Iterator[str]:
    """Yield sentences as comments; nothing in them ends the line, or acts on a terminal."""
    margin = " " * indent
    for sentence in sentences:
        text = printable(f"{subject}: {sentence}", keep="")
        yield from wrap(
            text,
            _WIDTH,
            initial_indent=f"{margin}# ",
            subsequent_indent=f"{margin}#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
