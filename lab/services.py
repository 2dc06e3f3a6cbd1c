"""Services beside the databases, up only when asked for: PostgreSQL, RabbitMQ and a strict redis.

They are Debian's own, of trixie, and live in a namespace of their own on the private network. All
that they write is in memory and ends with them. Like the bases of hosts their root file system is
finished or absent, and `lab down` keeps it.
"""

import hashlib
from functools import partial
from pathlib import Path

from lab import base, cgroup, lock, machine, netns, network, shapes
from lab.paths import BASES, KEYS
from lab.shell import run, succeeds, wait_until

NAME = "services"
SUITE = "trixie"
PACKAGES = ("postgresql", "rabbitmq-server")
USER, PASSWORD = "onetime", "only-in-the-lab"
PORTS = {"authdb": 5432, "rabbitmq": 5672, "strict": 6379, "strict-tls": 6380}

# $1: the root file system, $2: who to be in it, $3: what to run. Its own mounts end with it.
INSIDE = """
set -eu
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/run"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" setpriv --reuid="$2" --regid="$2" --clear-groups sh -euc "cd /tmp; $3"
"""
POSTGRESQL = f"""
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
echo {PASSWORD} >password
initdb -D data -U {USER} -A scram-sha-256 --pwfile=password >/dev/null
echo 'host all all 0.0.0.0/0 scram-sha-256' >>data/pg_hba.conf
exec postgres -D data -c 'listen_addresses=*' -c unix_socket_directories=/tmp
"""
RABBITMQ = f"""
export HOME=/tmp RABBITMQ_HOME=/tmp RABBITMQ_MNESIA_BASE=/tmp/db RABBITMQ_LOG_BASE=/tmp/log
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_PID_FILE=/tmp/pid
export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq.conf
printf '%s\\n' default_user={USER} default_pass={PASSWORD} loopback_users=none >rabbitmq.conf
exec /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server
"""
PROGRAMS = {"authdb": ("postgres", POSTGRESQL), "rabbitmq": ("rabbitmq", RABBITMQ)}


def up() -> dict[str, tuple[str, int]]:
    """Start the services that do not run; return address and port of each, by name."""
    machine.refuse_unless_root()
    with lock.hold():
        _ensure()
    return {name: (shapes.SERVICES_ADDRESS, port) for name, port in PORTS.items()}


def stop(service: str) -> None:
    """End one of the services, whose data go with it."""
    cgroup.kill(_group(service))


def _ensure() -> None:
    root = _ensure_root()
    netns.ensure(NAME)
    netns.ensure_cable(NAME, "eth0", network.SWITCH, f"{NAME}-eth0")
    netns.plug_in(network.SWITCH, f"{NAME}-eth0", "private")
    netns.ip(NAME, "address", "replace", f"{shapes.SERVICES_ADDRESS}/24", "dev", "eth0")
    netns.ip(NAME, "link", "set", "eth0", "up")
    for service, (user, script) in PROGRAMS.items():
        mounts = ("unshare", "--mount", "--propagation=private")
        _start(service, (*mounts, "sh", "-c", INSIDE, "sh", str(root), user, script))
    _start("strict", _strict_redis())
    for service, port in PORTS.items():
        listens = f"ss -Hltn 'sport = :{port}' | grep -q ."
        answers = partial(succeeds, *netns.inside(NAME, ("sh", "-c", listens)))
        wait_until(answers, what=f"{service} to listen", seconds=60)


def _group(service: str) -> str:
    return f"{NAME}-{service}"


def certificate() -> Path:
    """Say where the certificate of the redis that speaks TLS is."""
    return KEYS / f"{NAME}.pem"


def _start(service: str, argv: tuple[str, ...]) -> None:
    if not cgroup.running(_group(service)):
        cgroup.start(_group(service), *netns.inside(NAME, argv))


def _strict_redis() -> tuple[str, ...]:
    """Return the command line of a redis that wants a user and a password, also by TLS."""
    key = KEYS / f"{NAME}.key"
    if not certificate().exists():
        subject = ("-subj", "/CN=strict", "-addext", "subjectAltName=DNS:strict,DNS:strict-tls")
        files = ("-keyout", str(key), "-out", str(certificate()))
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "30"]
        run(*made, *subject, *files)
    settings = KEYS / f"{NAME}.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"port {PORTS['strict']}\ntls-port {PORTS['strict-tls']}\ntls-auth-clients no\n"
        f'tls-cert-file {certificate()}\ntls-key-file {key}\nsave ""\nappendonly no\n'
        f"user default off\nuser {USER} on >{PASSWORD} ~* &* +@all\n"
    )
    return (str(machine.redis_server()), str(settings), "--protected-mode", "no")


def _ensure_root() -> Path:
    content = "\0".join((SUITE, *PACKAGES))
    root = BASES / f"{NAME}-{SUITE}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    if not root.exists():
        print("unpacking PostgreSQL and RabbitMQ", flush=True)
        unfinished = base.begin(root)
        base.bootstrap(SUITE, unfinished, PACKAGES, group=f"build-{NAME}")
        base.finish(unfinished, root)
    return root
