"""A machine per test."""

from pathlib import Path

import pytest

from tests.host.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a host on which nothing was ever deployed."""
    return Machine(tmp_path)
