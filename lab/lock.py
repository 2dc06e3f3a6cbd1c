"""The lab's lock: actions that change the lab take it, so two of them never race."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from lab.paths import LOCK


@contextmanager
def hold() -> Iterator[None]:
    """Hold the lab's lock, which ends with this process however that ends."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another lab command to finish", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
