"""Go back to the release before, or to a given one. The next deploy goes forward again.

pyinfra inventory.py rollback.py -y
pyinfra inventory.py rollback.py -y --data release=3
"""

from pyinfra import host

from tasks import lock, switch
from tasks.prepare import prepare_rollback


def main() -> None:
    """Make an earlier release this host's current one."""
    wanted = prepare_rollback(host)
    if wanted is not None:
        lock.take(name="Lock the host", current=wanted.current)
        switch.back(current=wanted.current, to=wanted.to, at_once=wanted.at_once)


main()
