"""Draw the network as one page: hosts, addresses, containers, and every translation on the way.

pyinfra inventory.py verbs/map.py
pyinfra inventory.py verbs/map.py --data file=/srv/www/map.html
"""

from pyinfra import host, state

from rollout.map import draw

draw(state, host)
