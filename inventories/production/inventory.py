"""Production, as a worked example: copy this directory, then put your own hosts in.

How pyinfra reads this file: every list whose name has no underscore in front is a group of hosts,
so a list of anything else needs one. Each entry is a name, or a name and what is true of that host
alone. Who logs in, on which port and with which key: ~/.ssh/config, which pyinfra reads.
"""

# 10.20.0.0/24 is the private network here: hosts from .11, the database at .10, the router at .1,
# DHCP from .50 to .99. Each host has 32 addresses above .128 for its containers, and no two hosts
# share one: Podman knows only its own host's, so nothing but this list keeps them apart.
production = [
    ("app1.production.example", {"container_range": "10.20.0.128/27"}),
    (
        "app2.production.example",
        {
            "container_range": "10.20.0.160/27",
            # A third instance, on this host only.
            "instances": [7043, 7044, 7045],
            # A monitoring agent on this host asks the containers on their own addresses. Without
            # the shim, a host and its own containers cannot talk over the private network.
            "shim": True,
        },
    ),
]
