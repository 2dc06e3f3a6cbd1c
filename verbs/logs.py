"""Show what the app says on all hosts, in one stream.

pyinfra inventory.py verbs/logs.py --data since='2 hours ago' --data grep=error
pyinfra inventory.py verbs/logs.py --data instance=7043 --data follow=1
"""

from pyinfra import state

from rollout.logs import tell

tell(state)
