"""Read what somebody else set up, and let the next deploy take it over, port by port.

pyinfra inventory.py verbs/adopt.py --dry    prints the inventory that would reproduce it
pyinfra inventory.py verbs/adopt.py -y       has deploy.py stop each unit just before its own starts
"""

from pyinfra import host, state

from rollout.adoption import prepare_takeover
from tasks import adoption


def main() -> None:
    """Tell, or hand over, what this host runs."""
    takeover = prepare_takeover(state, host)
    if takeover is not None:
        adoption.hand_over(takeover=takeover)


main()
