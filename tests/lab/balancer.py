"""A machine with HAProxy between the lab's two networks, and constant load on it from outside.

The configuration is the one that operators are given, docs/haproxy.cfg; only its servers are the
test's own.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import api, netns, network
from lab.shell import succeeds, wait_until
from tests.lab import load
from tests.lab.harness import PORTS, ROOT
from tests.lab.load import Answer

NAME = "balancer"
PUBLIC = "203.0.113.9"
# Bridge, address and MAC of each card: neighbours keep the MAC that they have once seen.
CARDS = {
    "eth0": ("public", PUBLIC, "02:6f:74:00:00:09"),
    "eth1": ("private", "10.0.0.9", "02:6f:74:00:01:09"),
}
PORT = 8080
# Tests on different hosts run side by side, and two proxies would take requests from each other.
LOCK = Path("/run/onetime-lab-balancer.lock")
RATE = 110.0  # requests a second


@dataclass
class Load:
    """What became of the requests of a load that has ended."""

    answers: list[Answer]

    @property
    def failed(self) -> list[Answer]:
        """The requests that were lost."""
        return [answer for answer in self.answers if answer.error]

    @property
    def rate(self) -> int:
        """The lowest number of requests in any one second, but for the last."""
        seconds = Counter(int(answer.at - self.answers[0].at) for answer in self.answers)
        last = max(seconds)
        return min(seconds[second] for second in range(max(1, last)))

    def versions(self) -> set[str]:
        """Which versions of the app answered."""
        lines = [line for answer in self.answers for line in answer.body.splitlines()]
        return {line.removeprefix("version=") for line in lines if line.startswith("version=")}

    def __str__(self) -> str:
        """Say how many there were, what the slowest took, and which failed, when and why."""
        times = sorted(answer.seconds for answer in self.answers)
        start = self.answers[0].at
        return "\n".join(
            [
                f"{len(times)} requests in {self.answers[-1].at - start:.1f} s, at least "
                f"{self.rate} in each second, {len(self.failed)} failed; "
                f"median {times[len(times) // 2]:.3f} s, slowest {times[-1]:.3f} s",
                *(f"{a.at - start:.2f} s +{a.seconds:.2f} s: {a.error}" for a in self.failed),
            ]
        )


@contextmanager
def balancer(
    directory: Path, hosts: Sequence[str], ports: Sequence[int] = PORTS, kind: str = "haproxy"
) -> Iterator[None]:
    """Run a proxy over the ports of the hosts, until the end of the block.

    + kind: `haproxy` or `caddy`
    """
    argv = (
        haproxy(directory, haproxy_config(hosts, ports, [f"bind :{PORT}"]))
        if kind == "haproxy"
        else caddy(directory, caddy_config(hosts, ports, f"http://{PUBLIC}:{PORT}"))
    )
    question = ("curl", "-fs", "-m", "2", f"http://{PUBLIC}:{PORT}/api/v2/status")
    with proxy(argv, directory, question):
        yield


def haproxy(directory: Path, config: str) -> list[str]:
    """Return the command that runs HAProxy with this configuration."""
    path = directory / "haproxy.cfg"
    path.write_text(config)
    return api.haproxy_command("-db", "-f", str(path))


def caddy(directory: Path, config: str) -> list[str]:
    """Return the command that runs Caddy with this configuration."""
    path = directory / "Caddyfile"
    path.write_text(config)
    # It keeps notes of its own, which the machine shall not get.
    home = ("env", f"XDG_DATA_HOME={directory}", f"XDG_CONFIG_HOME={directory}")
    return [*home, *api.caddy_command("run", "--adapter", "caddyfile", "--config", str(path))]


@contextmanager
def proxy(argv: Sequence[str], directory: Path, question: Sequence[str]) -> Iterator[None]:
    """Run a proxy between the networks, from when it answers until the end of the block.

    Another that is asked for in the meantime waits for that.
    """
    with _station(), (directory / "proxy.log").open("w") as log:
        process = subprocess.Popen(netns.inside(NAME, argv), stdout=log, stderr=log)
        try:
            answers = netns.inside("outside", question)
            wait_until(lambda: succeeds(*answers), what="the proxy to answer", seconds=20)
            yield
        finally:
            process.kill()
            process.wait()


def haproxy_config(hosts: Sequence[str], ports: Sequence[int], doors: Sequence[str]) -> str:
    """Return the configuration of the documents with servers and doors of the test's own.

    + doors: its `bind` lines, in place of those that take the world's ports
    """
    given = (ROOT / "docs/haproxy.cfg").read_text().splitlines()
    own = ("server ", "bind ", "http-request redirect ")
    kept = [line for line in given if not line.strip().startswith(own)]
    assert len(given) - len(kept) > len(own)
    frontend = kept.index("frontend onetime") + 1
    kept[frontend:frontend] = [f"    {door}" for door in doors]
    servers = [f"    server {place} {place}" for place in places(hosts, ports)]
    return "\n".join([*kept, *servers, ""])


def caddy_config(hosts: Sequence[str], ports: Sequence[int], door: str, tls: str = "") -> str:
    """Return the configuration of the documents with servers and door of the test's own.

    + door: its site, in place of the one whose certificate the world knows
    + tls: the line that says where the test's certificate is, if it has one
    """
    given = (ROOT / "docs/Caddyfile").read_text()
    name, to = (
        "secrets.example.com {",
        "to 10.0.0.21:7043 10.0.0.21:7044 10.0.0.22:7043 10.0.0.22:7044",
    )
    assert name in given
    assert to in given
    own = f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{door} {{\n\t{tls}"
    return given.replace(name, own).replace(to, f"to {' '.join(places(hosts, ports))}")


def places(hosts: Sequence[str], ports: Sequence[int]) -> list[str]:
    """Return where the instances are on the private network."""
    private = {host.name: host.private_address for host in api.hosts()}
    return [f"{private[host]}:{port}" for host in hosts for port in ports]


@contextmanager
def under_load(path: str = "/whoami", rate: float = RATE, *, clients: int = 0) -> Iterator[Load]:
    """Ask HAProxy at a constant rate until the end of the block; then the load's answers are there.

    The block starts with the load at work, and the load ends after it.

    + clients: how many keep their connections; with none each request has one of its own
    """
    argv = [sys.executable, load.__file__, PUBLIC, str(PORT), path, str(rate), str(clients)]
    process = subprocess.Popen(
        netns.inside("outside", argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    done = Load([])
    try:
        assert process.stdout
        assert process.stdout.readline() == "asking\n"
        yield done
        output, _ = process.communicate("", timeout=60)
        assert process.returncode == 0
        done.answers = [Answer(**json.loads(line)) for line in output.splitlines()]
    finally:
        process.kill()
        process.wait()


@contextmanager
def _station() -> Iterator[None]:
    """Have the machine between the networks, which is taken by one at a time."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            netns.ensure(NAME)
            for card, (bridge, address, mac) in CARDS.items():
                port = f"{NAME}-{card}"
                netns.ensure_cable(NAME, card, network.SWITCH, port, mac=mac)
                netns.plug_in(network.SWITCH, port, bridge)
                netns.ip(NAME, "address", "replace", f"{address}/24", "dev", card)
                netns.ip(NAME, "link", "set", card, "up")
            yield
        finally:
            for card in CARDS:
                netns.unplug(network.SWITCH, f"{NAME}-{card}")
            netns.remove(NAME)
