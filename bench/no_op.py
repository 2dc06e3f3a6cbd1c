"""What a deploy that has nothing to do costs, against pyinfra doing nothing on the same hosts.

Run it with `make bench`. Both go in turns, so whatever else the machine does hits both alike; the
ratio is that of the medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab import api
from tests.lab.harness import PYINFRA, ROOT, Site

FLEETS = (("plain1",), tuple(f"plain{number}" for number in range(1, 11)))
TURNS = 7


def seconds(inventory: Path, *arguments: str) -> float:
    """Return how long a run of pyinfra takes; it must succeed."""
    begun = time.monotonic()
    done = subprocess.run(
        [str(PYINFRA), str(inventory), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout)
    return time.monotonic() - begun


def main() -> None:
    """Measure both in turns at each size and print medians and ratio."""
    for hosts in FLEETS:
        api.up(*hosts)
        with tempfile.TemporaryDirectory() as directory:
            site = Site(Path(directory), hosts, {"network_mode": "routed"})
            if (deployed := site.deploy()).code != 0:
                sys.exit(deployed.output)
            inventory = site.inventory()
            floor, own = [], []
            for _ in range(TURNS):
                floor.append(seconds(inventory, "exec", "-y", "--", "true"))
                own.append(seconds(inventory, "deploy.py", "-y"))
        least, median = statistics.median(floor), statistics.median(own)
        print(
            f"nothing to do, {len(hosts)} hosts: {median:.2f} s, {median / least:.1f} times as "
            f"long as `pyinfra exec -- true` ({least:.2f} s)"
        )
    api.down(*FLEETS[-1][2:])


if __name__ == "__main__":
    main()
