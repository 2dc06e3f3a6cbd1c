"""Parts of 10.0.0.0/24 for the containers of each host, beside the hosts that tests have up."""

RANGES = {
    "plain1": "10.0.0.128/27",
    "plain2": "10.0.0.160/27",
    "plain3": "10.0.0.192/28",
    "plain4": "10.0.0.32/29",
    "plain5": "10.0.0.56/30",
    "plain6": "10.0.0.64/29",
    "plain7": "10.0.0.104/29",
    "plain12": "10.0.0.44/30",
    "plain13": "10.0.0.116/30",
    "plain15": "10.0.0.48/30",
    "plain16": "10.0.0.52/30",
    "metric1": "10.0.0.208/28",
    "docker1": "10.0.0.224/29",
    "twocards1": "10.0.0.232/29",
    "far1": "10.0.0.240/29",
    "forky1": "10.0.0.248/29",
    "ufw1": "10.0.0.72/30",
    "iptables1": "10.0.0.76/30",
    "firewalld1": "10.0.0.4/30",
}
