"""Show who changed which host, from which release to which, and how that went.

pyinfra inventory.py verbs/history.py
"""

from pyinfra import host, state

from rollout.history import tell

tell(state, host)
