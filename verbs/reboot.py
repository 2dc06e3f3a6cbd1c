"""Reboot hosts one after the other, each drained meanwhile; one that does not come back ends it.

pyinfra inventory.py verbs/reboot.py -y
"""

from pyinfra import host

from rollout.drain import read_reboot
from tasks import reboot


def main() -> None:
    """Reboot this host when it is its turn."""
    gates, question = read_reboot(host)
    reboot.one_by_one(gates=gates, question=question)


main()
