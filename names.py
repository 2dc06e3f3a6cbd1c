"""Every name, path, label and time limit that is given to something on a host, once.

The ground floor: it imports nothing, and everything else has its names from here. Host programs
get them as the file `names` of their release.
"""

from __future__ import annotations

# --- paths ---

# Where a release lives. On the root file system: units must be there before /var is mounted.
BASE = "/etc/onetime"
RELEASES = f"{BASE}/releases"
CURRENT = f"{BASE}/current"
# Each run has one of its own, whose name begins so.
STAGING = f"{BASE}/staging-"
# A link to the release whose programs make a change.
SWITCH = f"{BASE}/switch"
# What is to be changed, from before a change begins until it is over.
SWITCHING = f"{BASE}/switching"
# How each change went, the last ones; and what they are called in the journal.
HISTORY = f"{BASE}/history"
HISTORY_TAG = "onetime-change"
HISTORY_LINES = 200
# Seconds that the command may take which is told of a change.
NOTIFY_LIMIT = 10
# While it is there no gate opens: since when, for whom and, for a reboot, the boot before it.
DRAINED = f"{BASE}/drained"
# What somebody else runs, and the next change takes over; and where their files are kept then,
# which no teardown takes.
ADOPTING = f"{BASE}/adopting"
ADOPTED = f"{BASE}-adopted"
# What the host had before the deploy changed it.
FOUND = f"{BASE}/found"
FOUND_FORWARDING = f"{FOUND}/ip_forward"
# The images that the deploy brought, one reference a line.
BROUGHT = f"{FOUND}/brought-images"
# And their IDs: a name may come to stand for another.
BROUGHT_IDS = f"{FOUND}/brought-ids"
# What concerns a deploy that is going on, and nothing after a boot.
RUN = "/run/onetime"
LOCK = f"{RUN}/lock"
CLIENT_LOCK = f"{RUN}/client.lock"
MUTEX = f"{RUN}/mutex"
# A change that touches the host's own network asks for confirmation here, and gets it there.
ASKING = f"{RUN}/asking"
CONFIRMED = f"{RUN}/confirmed"
RESULT = f"{RUN}/result"
SWITCH_LOG = f"{RUN}/log"
# What a registry is asked with, for as long as that takes; more follows.
REGISTRY_RUN = f"{RUN}-registry"
QUADLET_HOME = "/etc/containers/systemd"
SYSTEMD_HOME = "/etc/systemd/system"
GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"
GENERATED = "/run/systemd/generator"
# Podman reads here, beside its own settings, where the hooks are that guard a container.
CONTAINERS_CONF = "/etc/containers/containers.conf.d/onetime.conf"
TRANSIENT = "/run/systemd/transient"

# --- containers, secrets, labels ---

INSTANCE = "onetime"
SIDECAR = "onetime-wg"
# What works beside the web instances: a worker by its name, and the scheduler by this one.
JOB = "onetime-job"
SCHEDULER = "scheduler"
# Runs the release command, and its secrets are named for it.
ONE_OFF = "onetime-release"
# Runs what an operator wants to run; a number follows in its name.
ONE_RUN = "onetime-run"
SECRET_PREFIX = "onetime-"  # noqa: S105 - a name, no secret
# On a container with a network of its own: a hook guards it before anything in it runs.
GUARD_ANNOTATION = "onetime.guard"
# On all that Podman makes for the deploy: the digest of what it was made from.
CONFIG_LABEL = "onetime.config"

# --- networks, interfaces, tables ---

PRIVATE_NETWORK = "onetime"
PUBLISH_NETWORK = "onetime-publish"
PUBLISH_INTERFACE = "onetime0"
RULES_TABLE = "onetime"
# The kinds of links that the host may have a shim of; its name follows from the kind.
SHIM_KINDS = ("macvlan", "ipvlan")
SHIM_INTERFACES = tuple(f"{kind}0" for kind in SHIM_KINDS)
# The kinds of links that a host is asked whether its kernel can make them.
LINK_KINDS = (*SHIM_KINDS, "wireguard", "tun")
# Inside a container: the table of routes by which answers go back over the bridge, whence they
# were asked, and the priority of the rule that leads there.
RETURN_TABLE = 4300
# One table per port follows this.
GATE_TABLE_PREFIX = "onetime-gate-"
# Ports lead to somebody else's containers until they are taken over.
ADOPT_TABLE = "onetime-adopt"
# The first word of the comment of each rule of ours in somebody else's chain.
RULE_COMMENT = "onetime"
# On packets that chains of others are to let through: a bit that nobody else is known to use.
RULE_MARK = "0x01000000"
# A client of the host's own, that asks as others do: its interface, its end's and its own address.
CLIENT_INTERFACE = "onetime-ask0"
CLIENT_PEER = "onetime-ask1"
CLIENT_GATEWAY = "169.254.43.1"
CLIENT_ADDRESS = "169.254.43.2"

# --- units ---

HOST_UNIT = "onetime-host-network.service"
# Restores what reloads of the host's firewall take away.
FIREWALL_UNIT = "onetime-firewall.service"
# Changes the host from one release to another.
SWITCH_UNIT = "onetime-switch.service"
# Starts the scheduler again after a run that stopped it; there for as long as that takes.
RESUME_UNIT = "onetime-resume.service"


def container(kind: str, member: int | str) -> str:
    """Return the name of the container of an instance, sidecar or job."""
    return f"{kind}-{member}"


def unit(kind: str, member: int | str) -> str:
    """Return the name of the unit of an instance, sidecar or job."""
    return f"{kind}@{member}.service"


def member_container(member: int | str) -> str:
    """Return the name of the container of an instance, by its port, or of a job, by its name."""
    return container(INSTANCE if isinstance(member, int) else JOB, member)


def network_unit(network: str) -> str:
    """Return the name of the unit that Quadlet makes of a network."""
    return f"{network}-network.service"


# What makes a release live: systemd reads through these.
LINKS = {
    f"{QUADLET_HOME}/onetime": f"{CURRENT}/quadlet",
    f"{SYSTEMD_HOME}/{HOST_UNIT}": f"{CURRENT}/{HOST_UNIT}",
    f"{SYSTEMD_HOME}/{FIREWALL_UNIT}": f"{CURRENT}/{FIREWALL_UNIT}",
    f"{SYSTEMD_HOME}/{SWITCH_UNIT}": f"{SWITCH}/{SWITCH_UNIT}",
    CONTAINERS_CONF: f"{CURRENT}/containers.conf",
}

# --- a release ---

# What is known of it beside its files: when, by whom and with which image it was made; the digests
# of all files; and how it fared.
ABOUT, DIGESTS, SERVED, FAILED = "about", "digests", "served", "failed"
# What an instance said that did not become healthy from it.
EVIDENCE = "evidence.log"
RELEASE_NOTES = (ABOUT, DIGESTS, SERVED, FAILED, EVIDENCE)
# Where it holds the files that containers get: root's alone, whatever the modes in there.
MOUNTED = "files"
# What to ask about its paths.
QUESTION = "question.json"

# What makes the host's side of the network: where it differs, that is to be made anew.
HOST_NETWORK_FILES = ("host/rules.nft", "host/network.sh", "host/network")
# What makes the containers' own: where it differs, they are guarded anew and run on.
GUARD_FILES = ("host/guard.nft", "host/guard.sh", "host/guard")

# --- the kernel ---

PROC = "/proc"
SYS_NET = "/sys/class/net"
NET_CONF = "/proc/sys/net"
CONTROLLERS = "/sys/fs/cgroup/cgroup.controllers"
IP_FORWARD = "/proc/sys/net/ipv4/ip_forward"

# Where Podman keeps images and containers, and how much room a change needs there.
IMAGE_STORE = "/var/lib/containers"
CHANGE_MIB = 32
# Copies of the images of kept releases, by ID: what `podman system prune` takes is not lost.
HELD_IMAGES = "/var/lib/onetime/images"

# --- disks: releases, containers and images, what Podman unpacks ---

DISKS = ("/etc", "/var/lib/containers", "/var/tmp")  # noqa: S108 - only measured

# --- limits: numbers of things, and seconds ---

KEPT_RELEASES = 5
# Of the files that containers get, which each release holds.
MOUNTED_FILES, MOUNTED_BYTES = 100, 4 << 20
# Between two signs of life of a lock's holder, and without one until the lock lapses.
LOCK_BEAT = 3
LOCK_LAPSE = 5 * LOCK_BEAT
# That a host waits for a new connection before it takes its network settings back.
PATIENCE = 30
# That the first instance of a host has to stay up before the next one's turn.
WATCH = 5
# A health command, at a start and later.
HEALTH_STARTUP_TIMEOUT = 5
HEALTH_TIMEOUT = 10
HEALTH_INTERVAL = 30
# A start, the health of the instance included.
INSTANCE_START = 90
SIDECAR_START = 60
# Starts are counted within so many, where they are limited.
START_LIMIT_INTERVAL = 600
# The app's own end, after the requests that are in progress: puma gives its workers 30 seconds.
# Where nothing is in progress there is nothing to wait for; an idle puma takes them all the same.
INSTANCE_STOP = 35
QUIET_STOP = 3
SIDECAR_STOP = 5
# The app's own limits for the work that is in progress.
WORKER_STOP = 90
SCHEDULER_STOP = 60
DRAIN = 10
# A host that is drained goes on running: its requests may take as long as a proxy waits for them.
DRAIN_LIMIT = 60
# Between two instances of a host: a load balancer takes a moment to see that one is back.
SETTLE = 2
# A gate that nobody opens opens by itself: later than any start may end, or a client would wait.
GATE_CLOSED = 2 * INSTANCE_START
# Without a word from a host that was asked something, and what it may say at most, in bytes.
# What takes longer there says so every few seconds.
SILENCE = 2 * PATIENCE
SIGN_OF_LIFE = 10
# What begins so, on standard error, is for the operator at once: what a host waits for.
NOTICE = "note: "
ANSWER_BYTES = 16 << 20
# After a reboot: until ssh is back, and from then until all instances are healthy.
BOOT_LIMIT = 900
HEALTHY_LIMIT = 2 * INSTANCE_START
# One path of the verification.
PATH_TIMEOUT = 10
# One command of a change that hangs, by the program; a whole change, after which it begins anew;
# and how often it does so before it goes back, and again before it is given up.
PODMAN_LIMIT = 60
# A registry that is asked what a tag stands for.
REGISTRY_LIMIT = 20
IMAGE_LIMIT = 600
SYSTEMCTL_LIMIT = 2 * (SIDECAR_STOP + SIDECAR_START + DRAIN + INSTANCE_STOP + INSTANCE_START)
SWITCH_ATTEMPTS = 3
CHANGE_LIMIT = 1800
# The command that runs once before a release.
RELEASE_LIMIT = 1800
# That Podman waits for the guard of a container.
HOOK_TIMEOUT = 20
# That an observation waits for a change that goes on without its operator.
CHANGE_TIMEOUT = 900

assert GATE_CLOSED > INSTANCE_STOP + INSTANCE_START  # noqa: S101 - the relation, as code
assert LOCK_LAPSE > 2 * LOCK_BEAT  # noqa: S101 - one sign may be lost
assert SIDECAR_START < INSTANCE_START  # noqa: S101 - an instance waits for its sidecar
