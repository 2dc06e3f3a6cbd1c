"""Run one command on the first host, in a fresh container of its release or in one that runs.

pyinfra inventory.py verbs/run.py --limit app1 --data command='bin/ots version'
pyinfra inventory.py verbs/run.py --limit app1 --data in=7043 --data command='bin/ots version'
"""

from pyinfra import state

from rollout.once import run

run(state)
