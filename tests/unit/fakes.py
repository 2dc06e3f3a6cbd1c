"""Runs of pyinfra with its own `@fake` hosts, which answer facts and record commands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facts.reading import decode
from tests.unit.kernel import answers_text
from tests.unit.observed import FIXTURES, installed_lines, proc_answers

ROOT = FIXTURES.parents[1]
GATES = decode((FIXTURES / "gates").read_text().splitlines())
HEALTHY = {
    f"{port}/{path}": "+PONG\r\n" if path == "database" else "HTTP/1.0 200 OK\r\n"
    for port in (7043, 7044)
    for path in ("127.0.0.1", "10.0.0.15", "database")
}


def fake(
    proc: Mapping[str, str] | None = None,
    installed: list[str] | None = None,
    paths: Mapping[str, str] | None = None,
    drained: str = "",
    **data: Any,
) -> dict[str, Any]:
    """Return a host's data: the answers to its facts, matched by what only they ask."""
    network = answers_text(proc or proc_answers("plain", "10.0.0.10"))
    return {
        "container_range": "10.0.0.128/27",
        "fake_delay": 0,
        "fake_delay_jitter": 0,
        "fake_responses": {
            "say resolved": "\n".join(network),
            "say containers": "\n".join(installed or installed_lines("plain")),
            "say neighbours": "\n".join(answers_text({"neighbours": ""})),
            "say boot": "\n".join(answers_text(GATES | {"drained": drained})),
            "say 7043/database": "\n".join(answers_text(paths or HEALTHY)),
        },
        "image": "registry.example/app:1",
        **data,
    }


def pyinfra(directory: Path, *flags: str, **hosts: dict[str, Any]) -> tuple[int, str]:
    inventory = directory / "inventory.py"
    inventory.write_text(f"fakes = {[(f'@fake/{name}', data) for name, data in hosts.items()]!r}\n")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), str(inventory), "deploy.py", *flags],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def commands(output: str, host: str) -> list[str]:
    """Return what was run on a host to change it, in order."""
    found = re.findall(rf"\[@fake/{host}\] *>>> (.*)", output)
    # The facts' scripts start with an empty line.
    return [command for command in found if command]


def problems(output: str) -> list[str]:
    return [line.removeprefix("  - ") for line in output.splitlines() if line.startswith("  - ")]
