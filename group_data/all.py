"""Defaults for every inventory. An inventory's own group or host data wins, key by key.

These are all the words that an inventory may use; a misspelt one is refused. Data of your own goes
under names that start with an underscore.
"""

# Ports of the host, one instance each.
instances = [7043, 7044]

# How the containers reach the private network: docs/modes.md helps to choose.
network_mode = "macvlan"

# Override the detection, each by itself: the private interface ("eth1"), its subnet
# ("10.0.0.0/24"), its gateway ("10.0.0.1"). NETWORK_INTERFACE, NETWORK_SUBNET and NETWORK_GATEWAY
# in the environment of the machine that runs pyinfra win over these.
network_interface = None
network_subnet = None
network_gateway = None

# CIDR inside the private subnet that this host's containers, and nobody else, may use. Required
# for macvlan; give every host its own. Its first address is never leased: it is the shim's.
container_range = None

# The bridge behind the published ports. Local to each host, so every host may use the same.
publish_subnet = "10.89.43.0/24"

# Host address that the ports are published on, or a word for one: "private" is the address on the
# private network, "public" the only one that is neither private nor local, "loopback" 127.0.0.1.
# None publishes on all.
publish_address = None

# In the routed mode: let the host speak for its containers on the private network (NAT). False
# needs a route to publish_subnet by way of the host there, and shows the containers' own addresses.
routed_nat = True

# Let the host and its own containers talk over the private network, by the interface macvlan0.
shim = False
shim_address = None  # the first address of container_range

# The database's name inside the containers, its address (None: what the host itself resolves the
# name to), and its port.
db_host = "maindb"
db_address = None
db_port = 6379

# What else the containers reach on the private network, by name: {"authdb": {"address":
# "10.0.0.30", "port": 5432, "protocol": "postgresql"}}. The protocol is redis, postgresql, amqp or
# tcp, by which each deploy asks whether the service answers; "tls": True where it speaks that.
services = {}

# The image. One that the host already has is used as it is; else it is loaded from a local archive
# (docker-archive or oci-archive, path relative to the checkout), else pulled.
image = "ghcr.io/onetimesecret/onetimesecret:v0.26.19"
image_archive = None

# Take an image although the real app's data have to be moved between the two versions.
accept_data_move = False

# Who pulls images, where their registry wants to know: {"user": "bot", "password": "env:PASSWORD"},
# with the password's place as in `secrets`, and "registry" where it is another than the image's.
registry_login = None

# Whether a tag that has moved at the registry is a change. False never asks a registry for an image
# that the host has.
follow_tag = False

# The port that the app listens on inside the container; it reaches the app as PORT.
container_port = 3000

# Variables of the app, written to a file that only root can read. They show in --diff: what must
# stay private belongs in `secrets`.
environment = {}

# Private variables of the app: {"SECRET": "env:ONETIME_SECRET"}, {"SECRET": "file:/path"} or
# {"SECRET": 'command:["pass", "show", "onetime"]'} says where the machine that runs pyinfra finds
# each value. They live in Podman secrets on the host.
secrets = {}

# Files that the containers get, read-only, from the machine that runs pyinfra, by path in there:
# {"/app/etc/auth.yaml": "auth.yaml", "/app/etc/branding": "branding/"}, relative to the checkout;
# "template:PATH" is rendered by Jinja with the inventory's words. They are part of each release.
files = {}

# What outlives containers and releases: {"/app/data": "onetime-data"}, a Podman volume per path.
volumes = {}

# What runs once for all hosts, with the new image, environment and secrets, before the first host
# changes: ["bin/ots", "migrate", "--run", "NAME"]. Where it fails, nothing changes. And private
# variables for it alone, found like those in `secrets`.
release_command = None
release_secrets = {}

# What works beside the web instances, where the app keeps accounts in SQL and a queue: workers by
# their names (["emails"]), on any host, and the scheduler, on one host of the inventory alone.
workers = []
scheduler = False
worker_command = ["bin/entrypoint.sh", "bin/ots", "worker"]
scheduler_command = ["bin/entrypoint.sh", "bin/ots", "scheduler"]
# What asks a worker from inside, such as "bin/ots worker --check"; none: whether it runs.
worker_health_command = None

# What answers 200 when the app is healthy, and the command that asks it from inside the container.
# <port> and <health_path> are filled in.
health_path = "/api/v2/status"
health_command = "curl -fsS http://127.0.0.1:<port><health_path>"

# The wireguard mode's sidecar image, its peers, and where to find each instance's private key:
# docs/settings.md has an example.
wireguard = None

# Who of the private network may come to the containers' own addresses there (macvlan, ipvlan), past
# the published ports: addresses and networks, for load balancers that go to containers directly.
lan_clients = []

# Where containers may go beside the database: "all", or "services", which is nowhere else.
egress = "all"

# What the app may do: the kernel's capabilities that it keeps ([] is none), whether programs may
# gain privileges when they start, and whether its root is read-only. /tmp, /var/tmp and /run are
# writable all the same, and empty at each start.
capabilities = []
new_privileges = False
read_only = True

# What an instance may use at most: processes, memory ("2g"), CPUs (1.5); None is no limit.
pids = 512
memory = None
cpus = None

# The time zone inside the containers ("Europe/Vienna"); None is the image's own.
timezone = None

# How many starts within ten minutes systemd gives an instance before it gives up; None is never,
# since the database may be away for longer than any limit.
start_limit = None

# How many hosts change at the same time. The first that fails ends the rollout, so with 1 a bad
# release reaches one host.
rollout = 1

# Who is told when hosts change: a command on this machine, and one on each host, which goes on
# without this machine. Each gets a JSON object on its standard input.
notify = None
notify_host = None
