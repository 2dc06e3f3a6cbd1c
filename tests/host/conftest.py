"""A machine per test, bare or deployed."""

from pathlib import Path

import pytest

from tests.host.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a host on which nothing was ever deployed."""
    return Machine(tmp_path)


@pytest.fixture
def deployed(machine: Machine) -> Machine:
    """Return a host that runs release 1, macvlan."""
    machine.release(1, "macvlan")
    machine.switch(0, 1, watch=0)
    assert machine.perform().code == 0
    assert machine.is_whole(1)
    return machine
