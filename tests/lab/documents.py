"""Commands of the documents, run as an operator would: in a checkout, with an editor."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from lab import api
from tests.lab.harness import ROOT

# The hosts of inventories/production, on hosts of the lab.
STAND_INS = {
    "app1.production.example": ("plain10", "10.0.0.96/29"),
    "app2.production.example": ("plain11", "10.0.0.104/29"),
}
LAB_HOSTS = tuple(name for name, _ in STAND_INS.values())

# What an operator does with an editor: own hosts and own words at first, one thing more later.
EDITOR = """#!/bin/sh
for file in "$@"; do
  test -f "$file" || exit 1
  case "$file" in
    */inventory.py) cp "$EDITS/inventory.py" "$file" ;;
    */all.py) if cmp -s "$EDITS/all.py" "$file"; then cat "$EDITS/more.py" >>"$file"
              else cp "$EDITS/all.py" "$file"; fi ;;
    *) exit 1 ;;
  esac
done
"""


def commands(document: str) -> list[tuple[str, str]]:
    """Return a document's blocks of commands in their order, each with the comment before it."""
    text = (ROOT / document).read_text()
    return re.findall(r"(?:<!-- (.+?) -->\n)?```sh\n(.+?)```", text, re.DOTALL)


def checkout(directory: Path) -> Path:
    """Return a copy of the project without anything that git would not carry."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    copy = directory / "checkout"
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def edits(directory: Path, words: str, more: str) -> dict[str, str]:
    """Write what the editor puts into the files, and return the environment that it needs.

    + words: of group_data/all.py, beside the login
    + more: what a later edit adds
    """
    known = {host.name: host for host in api.hosts()}
    entries = [
        (
            name,
            {
                "ssh_hostname": known[stand_in].public_address,
                "ssh_key": str(known[stand_in].ssh_key),
                "ssh_known_hosts_file": str(known[stand_in].known_hosts),
                "container_range": container_range,
            },
        )
        for name, (stand_in, container_range) in STAND_INS.items()
    ]
    (directory / "inventory.py").write_text(f"production = {entries!r}\n")
    (directory / "all.py").write_text(f'ssh_user = "root"\n{words}')
    (directory / "more.py").write_text(more)
    editor = directory / "editor"
    editor.write_text(EDITOR)
    editor.chmod(0o755)
    return {**os.environ, "EDITOR": str(editor), "EDITS": str(directory)}


def run_block(block: str, directory: Path, environment: dict[str, str]) -> str:
    """Run a block of commands as a shell does and return what it prints; it must succeed.

    A dry run has two ways to: with nothing to do, and with something.
    """
    lines = [f"{line} || [ $? = 2 ]" if " --dry" in line else line for line in block.splitlines()]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}"
    assert "Traceback" not in done.stdout
    return done.stdout
