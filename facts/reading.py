"""The way a host's answer travels: one script per fact, one line per answer, an end marker.

Each line is `NAME BASE64`. Base64 keeps foreign bytes, line ends and marker look-alikes out of the
protocol; the end marker tells a cut-off answer from a short one (pyinfra drops undecodable output
silently and reports success).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pyinfra.api import FactBase
from pyinfra.api.exceptions import FactProcessError

END = "end-of-answers"

# `say NAME COMMAND…` answers with the command's output, empty if it fails or is not there.
PRELUDE = """
export LC_ALL=C
say() { name=$1; shift; answer=$("$@" 2>/dev/null | base64 -w0); echo "$name $answer"; }
"""

T = TypeVar("T")


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
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:60]
        at = f" at {where!a}" if where else ""
        raise ValueError(f"{command} answered something else{at}: {first['msg'][:100]!a}") from None
