"""Tell where packets die: each path of each instance hop by hop, up to the first that is broken.

pyinfra inventory.py diagnose.py
pyinfra inventory.py diagnose.py --data ask=1
"""

from pyinfra import host, state

from rollout.diagnose import tell

tell(state, host)
