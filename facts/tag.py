"""What an image's tag stands for at its registry, asked by the host that would pull it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from facts.reading import ScriptFact, filled, parse_json, script
from facts.values import Readable
from names import REGISTRY_LIMIT

# What registries say to somebody whom they do not know, or to nobody; for grep -Ei, too. A file of
# the host's to which permission is denied is something else.
REFUSAL = (
    "unauthorized|authentication required|: denied|resource is denied|access denied|forbidden|"
    "invalid username|no basic auth"
)
_TIMED_OUT = 124
_LONGEST_TROUBLE = 300

# A store of its own, in memory, for as long as the question takes: the host's own stays as it is. A
# list is made there of what the registry shows, which costs a manifest and no layer, and says which
# of a tag's images is this host's. `podman manifest inspect` knows lists alone, and no image.
_QUESTION = r"""
home=$(mktemp -d @REGISTRY_RUN@.XXXXXX) || exit
trap 'rm -rf "$home"' EXIT
trap 'exit 1' HUP INT TERM
@LOGIN@
apart() {
  timeout @REGISTRY_LIMIT@ podman --root "$home/root" --runroot "$home/run" --tmpdir "$home/tmp" \
    --storage-driver vfs --events-backend none "$@"
}
asked() {
  apart manifest create asked >/dev/null &&
    apart manifest add @AUTHFILE@ asked docker://@IMAGE@ >/dev/null &&
    apart manifest inspect asked
}
asked >"$home/manifest" 2>"$home/trouble"
say code echo $?
say manifest cat "$home/manifest"
say trouble tail -n 1 "$home/trouble"
say host podman image inspect --format '{{.Digest}}{{range .RepoDigests}} {{.}}{{end}}' @IMAGE@
"""


class _ManifestJson(TypedDict):
    digest: str


class _ListJson(TypedDict):
    manifests: list[_ManifestJson]


_LIST = TypeAdapter(_ListJson)


@dataclass(frozen=True)
class TagState(Readable):
    """What a tag stands for, as digests of manifests: `sha256:…`.

    + registry: at its registry, for this host's kind of machine; none where that is not known
    + host: of the image that the host has under that name, which may have several; at least one
    + trouble: why it is not known
    """

    registry: str | None
    host: tuple[str, ...]
    trouble: str = ""

    @property
    def refused(self) -> bool:
        """Whether the registry wants to know who asks, or knows and says no."""
        return self.registry is None and bool(re.search(REFUSAL, self.trouble, re.IGNORECASE))


class Tag(ScriptFact[TagState]):
    """Ask a registry what an image's tag stands for.

    + image: its reference, with a registry and a tag
    + login: whether the text of an auth file comes on standard input
    """

    def command(self, image: str, *, login: bool) -> str:
        """Return the script; it leaves nothing on the host."""
        words = {
            "IMAGE": shlex.quote(image),
            # The directory is root's alone.
            "LOGIN": 'cat >"$home/login"' if login else "",
            "AUTHFILE": '--authfile "$home/login"' if login else "",
        }
        return script(filled(_QUESTION, words))

    def read(self, answers: Mapping[str, str]) -> TagState:
        """Parse the answers; `ValueError` on nonsense."""
        host = tuple(word.rpartition("@")[2] for word in answers["host"].split())
        if not host:
            raise ValueError("Podman tells no digest of an image that was there a moment ago")
        code = int(answers["code"])
        if code == 0:
            (manifest,) = parse_json(_LIST, "podman manifest inspect", answers["manifest"])[
                "manifests"
            ]
            return TagState(manifest["digest"], host)
        if code == _TIMED_OUT:
            return TagState(None, host, f"no answer within {REGISTRY_LIMIT} seconds")
        trouble = answers["trouble"].strip().removeprefix("Error: ")
        return TagState(None, host, trouble[-_LONGEST_TROUBLE:])
