"""What the app has said, from a host's journal: the question, and how a line of the answer is read.

The answer may be long, or have no end, so it is read line by line: no fact of pyinfra's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from facts.reading import parse_json
from facts.values import Readable

# Standard input ends with whoever asked: so does what would follow the journal for ever.
_WATCH = 'export LC_ALL=C; exec 3<&0; { read -r _ <&3; kill "$$"; } >/dev/null 2>&1 & '
_MICROSECONDS = re.compile(r"\d{1,16}")
_EPOCH = datetime.fromtimestamp(0, UTC)

# The journal's own names; a message that is no printable text comes as a list of bytes.
_LineJson = TypedDict(
    "_LineJson", {"__REALTIME_TIMESTAMP": str, "SYSLOG_IDENTIFIER": str, "MESSAGE": str | list[int]}
)
_LINE: TypeAdapter[Any] = TypeAdapter(_LineJson)


@dataclass(frozen=True)
class Line(Readable):
    """One line: when it was said (UTC), the tag that it has in the journal, and its text."""

    at: datetime
    tag: str
    text: str


def question(tags: Iterable[str], since: str, pattern: str, *, follow: bool) -> str:
    """Return the command that answers with a line of JSON per line of the journal.

    Anybody on the host may write lines with these tags. Those of containers are root's.

    + since: as journalctl takes it
    + pattern: what a line has to match, a regular expression of Perl's; empty for all lines
    + follow: have no end, and answer with each line as it comes
    """
    words = [
        "journalctl",
        "--quiet",
        "--no-pager",
        "--all",
        "--output=json",
        "--output-fields=MESSAGE,SYSLOG_IDENTIFIER",
        f"--since={since}",
        *(f"--identifier={tag}" for tag in tags),
        *([f"--grep={pattern}"] if pattern else []),
        *(["--follow", "--no-tail"] if follow else []),
        "_UID=0",
    ]
    return f"{_WATCH}exec {shlex.join(words)}"


def read_line(text: str) -> Line:
    """Parse a line of the answer; `ValueError` on nonsense."""
    answer = parse_json(_LINE, "journalctl", text)
    moment, message = answer["__REALTIME_TIMESTAMP"], answer["MESSAGE"]
    if not _MICROSECONDS.fullmatch(moment):
        raise ValueError(f"journalctl answered with the time {moment[:40]!a}")
    if not isinstance(message, str):
        # Raises `ValueError` for what is no byte.
        message = bytes(message).decode(errors="backslashreplace")
    at = _EPOCH + timedelta(microseconds=int(moment))
    return Line(at, answer["SYSLOG_IDENTIFIER"], message.rstrip("\n"))
