"""`make demo`: two fresh hosts, the deploy on them step by step, and addresses to try.

Stops with one sentence at whatever fails; running it again is always safe.
"""

import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import api, shapes
from lab.shell import LabError

ROOT = Path(__file__).parents[1]
HOSTS = ("plain1", "plain2")
LIMIT = tuple(word for host in HOSTS for word in ("--limit", host))
LAN = IPv4Network("10.0.0.0/24")
APP_PORT = 3000
TIMED_OUT = 28  # says curl

console = Console(highlight=False)


class DemoError(Exception):
    """A step did not do what it should; the message says which and what to do."""


@dataclass(frozen=True)
class Instance:
    """One instance and the ways to it, each of which has just answered."""

    host: str
    public_url: str
    private: str  # address and port on the host's private card
    own: str  # address of the container itself, closed to its neighbours
    seen_by_maindb: str


def main() -> int:
    """Run the demo; its exit code."""
    try:
        run()
    except (DemoError, LabError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; run it again, or remove all with lab down", file=sys.stderr)
        return 130
    return 0


def run() -> None:
    """Go through the steps."""
    title("Two hosts with a public and a private card, and a redis called maindb")
    api.up(*HOSTS)

    title("What would change: every file as a diff, nothing touched")
    pyinfra("--dry", "--diff")

    title("Change it")
    pyinfra("-y")

    title("Once more: nothing to change, nothing restarted")
    before = running()
    pyinfra("-y")
    if running() != before:
        raise DemoError("the second deploy changed what the first had just made; see its results")

    title("Every path, asked just now")
    show([instance(host, port) for host in HOSTS for port in ports(host)])


def title(text: str) -> None:
    """Print the heading of a step."""
    console.print()
    console.rule(f"[bold]{text}", align="left")


def pyinfra(*flags: str) -> None:
    """Run the deploy as the reader would, from the checkout's root."""
    words = ("inventory.py", "deploy.py", *flags, *LIMIT)
    console.print(f"$ .venv/bin/pyinfra {' '.join(words)}", style="cyan", soft_wrap=True)
    program = Path(sys.executable).with_name("pyinfra")
    code = subprocess.call([program, *words], cwd=ROOT, stdin=subprocess.DEVNULL)
    # A dry run that has found something to do ends with 2.
    if code and not ("--dry" in flags and code == 2):  # noqa: PLR2004
        raise DemoError(
            f"pyinfra ended with {code} and said why above; "
            "make demo repeats all steps, make demo after lab down starts from nothing"
        )


def running() -> dict[str, str]:
    """Return, per host, the current release and each container with its start time."""
    return {
        host: on_host(
            host,
            "readlink /etc/onetime/current; "
            "podman ps --no-trunc --format '{{.Names}} {{.ID}} {{.StartedAt}}' | sort",
        )
        for host in HOSTS
    }


def ports(host: str) -> list[int]:
    """Return the ports of the host's instances."""
    names = on_host(host, "podman ps --filter name=^onetime- --format '{{.Names}}'").split()
    if not names:
        raise DemoError(f"no instance runs on {host}")
    return sorted(int(name.removeprefix("onetime-")) for name in names)


def instance(host: str, port: int) -> Instance:
    """Use every way to one instance, with real packets, and return the ways."""
    spec = shapes.spec(host)
    private = f"{spec.private}:{port}"
    public_url = f"http://{spec.public}:{port}/whoami"
    asked = ["curl", "-sS", "--fail", "--max-time", "3", "--noproxy", "*"]

    page = answer(subprocess.run([*asked, public_url], capture_output=True, text=True, check=False))
    addresses = dict(line.partition("=")[::2] for line in page.splitlines())["container"].split()
    container = next((address for address in addresses if IPv4Address(address) in LAN), None)
    if container is None:
        raise DemoError(f"instance {port} of {host} has no address in {LAN}, only {addresses}")
    answer(api.run_in("maindb", [*asked, f"http://{private}/whoami"]))
    neighbour = api.run_in("maindb", [*asked, f"http://{container}:{APP_PORT}/whoami"])
    if neighbour.returncode != TIMED_OUT:
        raise DemoError(
            f"instance {port} of {host} is open to the LAN at {container}, past its guard"
        )

    question = 'printf "CLIENT INFO\\r\\nQUIT\\r\\n" | nc maindb 6379'
    client = on_host(host, f"podman exec onetime-{port} sh -c '{question}'")
    client_address = client.partition(" addr=")[2].partition(":")[0]
    return Instance(host, public_url, private, container, client_address)


def on_host(host: str, command: str) -> str:
    """Run a command on a host and return its output."""
    return answer(api.ssh(host, command))


def answer(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command printed; DemoError with its last words if it failed."""
    if done.returncode:
        words = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise DemoError(f"{done.args[-1]}: {words}")
    return done.stdout


def show(instances: list[Instance]) -> None:
    """Print the addresses, and what to try next."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("host", "from this shell", "from the LAN", "the container", "for maindb"):
        table.add_column(heading, no_wrap=True)
    for entry in instances:
        table.add_row(entry.host, entry.public_url, entry.private, entry.own, entry.seen_by_maindb)
    console.print(table)

    example, lab = instances[0], ".venv/bin/python -m lab"
    console.print("\n[bold]Try")
    for what, command in (
        ("from outside", f"curl {example.public_url}"),
        ("from the LAN", f"{lab} exec maindb curl http://{example.private}/whoami"),
        ("the hosts", f"{lab} status"),
        ("a command on a host", f"{lab} ssh {example.host} podman ps"),
        ("a reboot", f"{lab} reboot {example.host}"),
        ("remove everything", f"{lab} down"),
    ):
        console.print(f"  {what:21}[cyan]{command}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
