"""Go back to the release before, or to a given one. The next deploy goes forward again.

pyinfra inventory.py rollback.py -y
pyinfra inventory.py rollback.py -y --data release=3
"""

from pyinfra import host

from rollout.prepare import prepare_rollback
from tasks import lock, switch


def main() -> None:
    """Make an earlier release this host's current one."""
    wanted = prepare_rollback(host)
    if wanted is not None:
        lock.take(name="Lock the host", current=wanted.current)
        switch.back(rollback=wanted)


main()
