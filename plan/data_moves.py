"""Changes of the real app's version after which it would not see its data where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facts.installed import InstalledState
from plan.inventory.settings import Settings
from plan.problems import Problem

_VERSION = re.compile(r"[^@]*:v?(\d+)\.(\d+)(?:[.@-].*)?")
# The first version that keeps all in database 0 of redis, where those before it used five.
_ONE_DATABASE = (0, 24)


def check_data_move(host: str, settings: Settings, installed: InstalledState) -> Iterator[Problem]:
    """Yield a change of version across which the app's data have to be moved by hand."""
    if not settings.runs_app or settings.accept_data_move:
        return
    after = _version(settings.image)
    for image in installed.release.images:
        before = _version(image)
        if before and after and (before < _ONE_DATABASE) != (after < _ONE_DATABASE):
            yield Problem(
                host,
                "image",
                f"from {image} to {settings.image} the app looks for its data elsewhere: before "
                "v0.24 they are in redis databases 0, 6, 7, 8 and 11, since then in 0 alone, so it "
                "would be healthy and show none of the old ones",
                "Move them with the app's own script, then set accept_data_move = True",
            )


def _version(image: str) -> tuple[int, int] | None:
    match = _VERSION.fullmatch(image)
    return (int(match[1]), int(match[2])) if match else None
