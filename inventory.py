"""The default environment: the lab's hosts, as they are up right now (`python -m lab up`)."""

from pyinfra.api.exceptions import InventoryError

from lab import api as _lab
from lab.ranges import RANGES as _RANGES

lab = [
    (
        host.name,
        {
            "ssh_hostname": host.public_address,
            "ssh_port": host.ssh_port,
            "ssh_user": host.ssh_user,
            "ssh_key": str(host.ssh_key),
            "ssh_known_hosts_file": str(host.known_hosts),
            "ssh_strict_host_key_checking": "yes",
            "container_range": _RANGES.get(host.name),
        },
    )
    for host in _lab.hosts()
]
if not lab:
    raise InventoryError("the lab is not up: run .venv/bin/python -m lab up, or make demo")
