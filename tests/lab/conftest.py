"""Fixtures on real hosts. A test module that changes hosts starts from freshly made ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lab import api
from tests.lab.harness import ROOT, Site

Fresh = Callable[..., Site]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests on the same hosts in one process; those on others may run at the same time.

    A module says which hosts it uses by HOST or HOSTS, or whose lane it shares by LANE.
    """
    for item in items:
        module = item.getparent(pytest.Module)
        if module is not None and "lab" in item.path.parts:
            names = vars(module.obj)
            hosts = names.get("HOSTS")
            first = hosts[0] if isinstance(hosts, tuple) else module.name
            item.add_marker(
                pytest.mark.xdist_group(names.get("LANE") or names.get("HOST") or first)
            )


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Make hosts anew and return their inventory; hosts beside plain1 and plain2 go afterwards."""
    extra: set[str] = set()

    def make(*hosts: str, directory: Path | None = None) -> Site:
        there = {host.name for host in api.hosts()}
        _remove([host for host in hosts if host in there])
        api.up(*hosts)
        extra.update(set(hosts) - {"plain1", "plain2"})
        return Site(directory or tmp_path_factory.mktemp("site"), hosts)

    yield make
    _remove(sorted(extra))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the deploy that a test may break."""
    for name in (
        "facts",
        "plan",
        "rollout",
        "tasks",
        "verbs",
        "host",
        "templates",
        "group_data",
        "lab",
    ):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("deploy.py", "names.py", "config.py"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _remove(hosts: Sequence[str]) -> None:
    if hosts:
        api.down(*hosts)
