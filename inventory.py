"""The default environment: the lab's hosts, as they are up right now (`python -m lab up`)."""

from pyinfra.api.exceptions import InventoryError

from lab import api as _lab

# A part of 10.0.0.0/24 for each host's containers; the hosts themselves have addresses below .128.
_RANGES = {
    "plain1": "10.0.0.128/27",
    "plain2": "10.0.0.160/27",
    "plain3": "10.0.0.192/28",
    "metric1": "10.0.0.208/28",
    "docker1": "10.0.0.224/29",
    "twocards1": "10.0.0.232/29",
    "far1": "10.0.0.240/29",
    "forky1": "10.0.0.248/29",
}

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
