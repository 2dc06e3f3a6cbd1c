"""Whole runs of pyinfra where a tag is followed: what its registry says, and does not."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from facts.reading import decode
from tests.unit.fakes import (
    commands,
    fake,
    problems,
    pyinfra,
)
from tests.unit.kernel import answers_text
from tests.unit.observed import installed_lines

pytestmark = pytest.mark.whole


def followed(**tag: str) -> dict[str, Any]:
    """Return a host that has the image and whose registry is asked what its tag stands for."""
    images = {"images": f"registry.example/app:1 {'1' * 64}\n"}
    manifest = json.dumps({"manifests": [{"digest": f"sha256:{'b' * 64}"}]})
    answers = {
        "code": "0",
        "manifest": manifest,
        "trouble": "",
        "host": f"sha256:{'a' * 64}\n",
    }
    host = fake(
        installed=answers_text(decode(installed_lines("plain")) | images),
        follow_tag=True,
        registry_login={"user": "bot", "password": 'command:["echo", "hunter2"]'},
    )
    host["fake_responses"]["manifest add"] = "\n".join(answers_text(answers | tag))
    return host


def test_tag_that_has_moved_shows_in_the_dry_run(tmp_path: Path) -> None:
    code, output = pyinfra(tmp_path, "--dry", "-vvv", "--diff", web1=followed())
    assert code == 2, output
    digests = [f"sha256:{letter * 64}" for letter in "ab"]
    assert f"its tag has moved {digests[0][:19]} → {digests[1][:19]}" in output
    # Only the question went there.
    assert [line for line in commands(output, "web1") if "podman pull" in line] == []


def test_tag_that_has_moved_is_pulled_before_the_switch(tmp_path: Path) -> None:
    code, output = pyinfra(tmp_path, "-y", "-vvv", "--debug", web1=followed())
    assert code == 0, output
    pulls = [line for line in commands(output, "web1") if "podman pull" in line]
    assert len(pulls) == 1
    assert "--authfile" in pulls[0]
    for form in ("hunter2", base64.b64encode(b"bot:hunter2").decode()):
        assert form not in output


def test_registry_that_is_away_stops_nothing(tmp_path: Path) -> None:
    away = followed(code="125", trouble="Error: connection refused")
    code, output = pyinfra(tmp_path, "-y", "-vv", web1=away)
    assert code == 0, output
    assert "the registry does not tell what registry.example/app:1 stands for now" in output
    assert not [line for line in commands(output, "web1") if "podman pull" in line]


def test_registry_that_refuses_ends_the_run_before_any_change(tmp_path: Path) -> None:
    refusal = followed(code="125", trouble="Error: authentication required")
    code, output = pyinfra(tmp_path, "-y", "-vv", web1=refusal)
    assert code != 0
    (line,) = problems(output)
    assert line.startswith("@fake/web1: registry_login: the registry refuses this login")
