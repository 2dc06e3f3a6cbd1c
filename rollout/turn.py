"""Verbs that work on all hosts at once, though pyinfra comes to their file once for each host."""

from gevent.lock import BoundedSemaphore

_turn = BoundedSemaphore()


def take_turn() -> None:
    """Return to the host that comes first, whose code does the work of all and ends the run.

    Never given back: while a run ends pyinfra goes on to the next host, which would do it again.
    """
    _turn.acquire()
