"""Go back to the release before, or to a given one. The next deploy goes forward again.

pyinfra inventory.py rollback.py -y
pyinfra inventory.py rollback.py -y --data release=3
"""

from pyinfra import host

from tasks import release
from tasks.prepare import prepare_rollback


def main() -> None:
    """Make an earlier release this host's current one."""
    number = prepare_rollback(host)
    if number is not None:
        release.go_back(name="Go back to an earlier release", release=number)


main()
