"""Tell what runs on each host, since when, from which release, and what is not as it should be.

pyinfra inventory.py status.py
"""

from pyinfra import host, state

from rollout.status import tell

tell(state, host)
