"""Rewrite the golden releases: `make golden`, then read the diff.

Programs are the same in every release, as they are in `host/`, so they are links to there.
"""

from __future__ import annotations

import os
import shutil

from tests.golden.cases import CASES, HOME, directories, release

ROOT = HOME.parents[1]


def main() -> None:
    """Write every case anew."""
    releases = {case: release(plan()) for case, plan in CASES.items()}
    for stale in directories():
        shutil.rmtree(stale)
    for case, files in releases.items():
        for path, text in files.items():
            file = HOME / case / path
            file.parent.mkdir(parents=True, exist_ok=True)
            program = ROOT / path
            if program.is_file() and program.read_text() == text:
                file.symlink_to(os.path.relpath(program, file.parent))
            else:
                file.write_text(text)


main()
