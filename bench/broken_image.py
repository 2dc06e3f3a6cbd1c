"""How long one instance is down when its new image is broken, against an ordinary restart.

Run it with `make bench`. A broken image is the worst that a rollout can meet: the instance stops,
the new image fails, and the release before comes back. Both are watched from outside, a request
every few milliseconds, on the same host and right after each other.
"""

from __future__ import annotations

import dataclasses
import http.client
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lab import api
from tests.lab.harness import Site, ssh

HOST, PORT = "plain1", 7043
TURNS = 3


class Watch:
    """Asks an instance over and over, from a thread; `longest` is its longest silence so far."""

    def __init__(self, address: str) -> None:
        self.longest = 0.0
        self._address = address
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        answered = time.monotonic()
        while not self._ended.wait(0.01):
            connection = http.client.HTTPConnection(self._address, PORT, timeout=0.5)
            try:
                connection.request("GET", "/whoami")
                if connection.getresponse().status != http.client.OK:
                    continue
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
            self.longest = max(self.longest, time.monotonic() - answered)
            answered = time.monotonic()


def down(address: str, action: Callable[[], object]) -> float:
    """Return for how many seconds the instance did not answer while something was done to it."""
    with Watch(address) as watch:
        action()
    return watch.longest


def main() -> None:
    """Measure both in turns and print the ratio of the sums."""
    api.up(HOST)
    address = next(host.public_address for host in api.hosts() if host.name == HOST)
    broken = {
        "image": "localhost/onetime-lab:exits",
        "image_archive": str(api.image_archive("exits")),
    }
    with tempfile.TemporaryDirectory() as directory:
        site = Site(Path(directory), [HOST])
        if (deployed := site.deploy()).code != 0:
            raise SystemExit(deployed.output)
        bad = dataclasses.replace(site, everywhere=broken)
        restarts, rollouts = [], []
        for _ in range(TURNS):
            restarts.append(
                down(address, lambda: ssh(HOST, f"systemctl restart onetime@{PORT}.service"))
            )
            rollouts.append(down(address, bad.deploy))
    for name, seconds in (("ordinary restart", restarts), ("broken image", rollouts)):
        print(f"{name:16}  down for {', '.join(f'{duration:.2f}' for duration in seconds)} s")
    print(f"broken image / ordinary restart = {sum(rollouts) / sum(restarts):.2f}")


if __name__ == "__main__":
    main()
