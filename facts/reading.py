"""The way a host's answer travels: one script per fact, one line per answer, an end marker.

Each line is `NAME BASE64`. Base64 keeps foreign bytes, line ends and marker look-alikes out of the
protocol; the end marker tells a cut-off answer from a short one (pyinfra drops undecodable output
silently and reports success).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pyinfra.api import FactBase
from pyinfra.api.exceptions import FactProcessError

import names

END = "end-of-answers"

# `say NAME COMMAND…` answers with the command's output, empty if it fails or is not there.
PRELUDE = """
export LC_ALL=C
say() { name=$1; shift; answer=$("$@" 2>/dev/null | base64 -w0); echo "$name $answer"; }
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """One observed thing: what the host is asked, and how its answers are read.

    `question` is shell whose `say` lines name the answers; in it, `@NAME@` is that of `names.py` or
    of `words`. `parse` raises `ValueError` on nonsense.
    """

    question: str
    parse: Callable[[Mapping[str, str]], T]
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def script(self) -> str:
        """The question with its words filled in."""
        return filled(self.question, self.words)


def filled(question: str, words: Mapping[str, str] | None = None) -> str:
    """Return shell in which each `@NAME@` is replaced, by one of the words or of `names.py`."""
    values: dict[str, object] = {**vars(names), **(words or {})}

    def text(match: re.Match[str]) -> str:
        value = values[match[1]]
        return " ".join(value) if isinstance(value, tuple) else str(value)

    return re.sub(r"@([A-Z_]+)@", text, question)


class ScriptFact(FactBase[T]):
    """A fact read by one script that speaks the protocol above.

    Any error in reading the answers fails that host alone, with a clear message.
    """

    abstract = True

    def read(self, answers: Mapping[str, str]) -> T:
        """Turn the answers into a typed value; raise `ValueError` on nonsense."""
        raise NotImplementedError

    def process(self, output: list[str]) -> T:
        """Decode the protocol and read the answers."""
        try:
            return self.read(decode(output))
        except (ValueError, KeyError, TypeError) as error:
            detail = f"no answer {error}" if isinstance(error, KeyError) else str(error)
            # Without a cause: pyinfra would print that instead of this sentence.
            raise FactProcessError(f"the host's answer makes no sense: {detail}") from None


def script(body: str) -> str:
    """Return a whole script: prelude, body and end marker."""
    return f"{PRELUDE}{body}\necho {END}\n"


def decode(output: list[str]) -> dict[str, str]:
    """Return the answers by name.

    Raises `ValueError` if the end marker is missing, a line is not of the protocol, an answer is
    not UTF-8, or one comes twice.
    """
    if not output or output[-1].strip() != END:
        raise ValueError("it was cut off before its end marker")
    answers: dict[str, str] = {}
    for line in output[:-1]:
        name, _, payload = line.strip().partition(" ")
        if not name:
            continue
        if name in answers:
            raise ValueError(f"{name!a} came twice")
        try:
            answers[name] = base64.b64decode(payload, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{name[:40]!a} is garbled ({error})") from None
    return answers


def parse_json(shape: TypeAdapter[T], command: str, text: str) -> T:
    """Return a command's JSON in its expected shape; no text at all counts as an empty list.

    Raises `ValueError` that names the command and the first place that differs.
    """
    try:
        return shape.validate_json(text if text.strip() else "[]", strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, details["loc"]))[:60]
        at = f" at {place!a}" if place else ""
        message = details["msg"][:100]
        raise ValueError(f"{command} answered something else{at}: {message!a}") from None
