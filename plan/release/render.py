"""Text from templates, and digests of it.

Values arrive checked; what systemd or Quadlet would expand in them is escaped here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2

import names

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parents[2] / "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - unit files, not HTML
)
_ENVIRONMENT.globals["names"] = names


def unit_text(value: str) -> str:
    """Escape what systemd expands in a unit: `%` specifiers and `$` variables."""
    return value.replace("%", "%%").replace("$", "$$")


def unit_words(words: Iterable[str]) -> str:
    """Return words as a unit reads them, each for itself whatever is in it."""
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
    return " ".join(f'"{unit_text(word)}"' for word in quoted)


def render(template: str, **values: Any) -> str:
    """Return the text of a template; every name that it uses must be given."""
    return _ENVIRONMENT.get_template(template).render(**values)


def render_stamped(template: str, **values: Any) -> tuple[str, str]:
    """Return a text that carries its own digest (as `config`), and the digest."""
    config = digest([render(template, config="", **values)])
    return render(template, config=config, **values), config


def digest(texts: Iterable[str]) -> str:
    """Return a short digest that tells one configuration from another."""
    joined = "\0".join(texts)
    return hashlib.sha256(joined.encode(errors="surrogateescape")).hexdigest()[:16]
