"""Rewrite the golden releases: `make golden`, then read the diff."""

from __future__ import annotations

import shutil

from tests.golden.cases import CASES, HOME, directories, release


def main() -> None:
    """Write every case anew."""
    releases = {case: release(plan()) for case, plan in CASES.items()}
    for stale in directories():
        shutil.rmtree(stale)
    for case, files in releases.items():
        for path, text in files.items():
            file = HOME / case / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


main()
