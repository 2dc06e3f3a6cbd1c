"""Every command of docs/production.md, in its order, with the stand-in for the real app."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import netns
from lab.app import stand_in
from tests.lab.conftest import Fresh
from tests.lab.documents import LAB_HOSTS, checkout, commands, edits, run_block
from tests.lab.harness import PORTS, check_paths, page, ssh

pytestmark = pytest.mark.alone


def words(tag: str, directory: Path) -> str:
    return (
        f'image = "{stand_in.REPOSITORY}:{tag}"\n'
        f'image_archive = "{stand_in.archive(tag)}"\n'
        'health_command = "curl -fsS http://127.0.0.1:<port><health_path>"\n'
        'environment = {"REDIS_URL": "redis://maindb:6379/0", "TRUSTED_PROXY_ENABLED": "true"}\n'
        f'secrets = {{"SECRET": "file:{directory}/secrets/secret", '
        f'"SESSION_SECRET": "file:{directory}/secrets/session_secret"}}\n'
    )


def versions() -> set[str]:
    return {page(host, "127.0.0.1", port)["version"] for host in LAB_HOSTS for port in PORTS}


def test_every_command_of_production_does_what_it_says(fresh: Fresh, tmp_path: Path) -> None:
    fresh(*LAB_HOSTS)
    directory = checkout(tmp_path)
    newer = "".join(words("2", tmp_path).splitlines(keepends=True)[:2])
    environment = edits(tmp_path, words("1", tmp_path), newer)
    history: list[set[str]] = []
    output = ""
    for mark, block in commands("docs/production.md"):
        if mark:
            # On the database's own machine, where it is maindb.
            argv = netns.inside("maindb", ["sh", "-euc", block.replace("maindb", "10.0.0.10")])
            subprocess.run(argv, check=True, cwd=tmp_path, capture_output=True)
            continue
        output += run_block(block, directory, environment)
        now = versions() if "-y" in block.split() else set()
        history += [now] if now and now != (history or [set()])[-1] else []
    # The deploy, the upgrade, the way back.
    assert history == [{"1"}, {"2"}, {"1"}]
    assert "all as the inventory says" in output
    assert "created you@example.com" in output
    assert (tmp_path / "onetime.rdb").read_bytes().startswith(b"REDIS")
    login = "curl -s -H 'X-Forwarded-Proto: https' -d login=you@example.com"
    assert ssh(LAB_HOSTS[1], f"{login} http://127.0.0.1:7044/login") == "welcome you@example.com"
    check_paths(LAB_HOSTS, inside=False)
    for name in ("secret", "session_secret"):
        value = (tmp_path / "secrets" / name).read_text().strip()
        assert len(value) == 64
        assert value not in output
