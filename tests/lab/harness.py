"""Real runs of pyinfra against real hosts, and the questions that tests ask of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import api
from lab.ranges import RANGES

ROOT = Path(__file__).parents[2]
PYINFRA = Path(sys.executable).with_name("pyinfra")
PORTS = (7043, 7044)
OUTSIDE = "198.51.100.10"
# What a host has in /etc/onetime when no change is under way.
IN_BASE = {"current", "found", "history", "releases", "switch"}


@dataclass(frozen=True)
class Run:
    """One finished run of pyinfra."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """How many operations changed something, from the last row of the results table."""
        row = re.search(r"Grand total +\d+ +(\S+)", self.output)
        assert row, self.output
        return 0 if row[1] == "-" else int(row[1])


@dataclass
class Site:
    """An inventory of lab hosts in a directory of its own, and the checkout that is run on it."""

    directory: Path
    hosts: Sequence[str]
    everywhere: Mapping[str, Any] = field(default_factory=dict)
    by_host: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    checkout: Path = ROOT

    def inventory(self) -> Path:
        """Write the inventory and return its path."""
        known = {host.name: host for host in api.hosts()}
        entries = []
        for name in self.hosts:
            host = known[name]
            data: dict[str, Any] = {
                "ssh_hostname": host.public_address,
                "ssh_port": host.ssh_port,
                "ssh_user": host.ssh_user,
                "ssh_key": str(host.ssh_key),
                "ssh_known_hosts_file": str(host.known_hosts),
                "ssh_strict_host_key_checking": "yes",
                "container_range": RANGES.get(name),
            }
            entries.append((name, data | dict(self.everywhere) | dict(self.by_host.get(name, {}))))
        path = self.directory / "inventory.py"
        path.write_text(f"lab = {entries!r}\n")
        return path

    def pyinfra(self, *arguments: str, env: Mapping[str, str] | None = None) -> Run:
        """Run pyinfra from the checkout's root and return its exit code and whole output."""
        done = subprocess.run(
            [str(PYINFRA), str(self.inventory()), *arguments],
            cwd=self.checkout,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return Run(done.returncode, done.stdout)

    def deploy(self, *flags: str, env: Mapping[str, str] | None = None) -> Run:
        """Deploy without asking."""
        return self.pyinfra("deploy.py", "-y", *flags, env=env)

    def deploy_twice(self) -> Run:
        """Deploy; then again, which must change nothing and restart nothing."""
        first = self.deploy()
        assert first.code == 0, first.output
        before = {name: started(name) for name in self.hosts}
        second = self.deploy()
        assert second.code == 0, second.output
        assert second.changed == 0, second.output
        assert {name: started(name) for name in self.hosts} == before
        return first


def ssh(host: str, command: str) -> str:
    """Run a command on a host and return its output; it must succeed."""
    done = api.ssh(host, command)
    assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def started(host: str) -> dict[str, str]:
    """Return the start time of each running container, by name."""
    text = ssh(
        host,
        "podman ps -q --filter name=^onetime- | "
        "xargs -r podman inspect --format '{{.Name}} {{.State.StartedAt}}'",
    )
    return dict(line.split(" ", 1) for line in text.splitlines())


def wait_until(host: str, condition: str, *, seconds: int = 180) -> None:
    """Return when a shell condition holds on the host; fail if it does not in time."""
    api_command = f"timeout {seconds} sh -c 'until {condition}; do sleep 0.2; done'"
    done = api.ssh(host, api_command)
    assert done.returncode == 0, f"{host}: never came true: {condition}"


def page(
    namespace: str, address: str, port: int, path: str = "/whoami", *, patience: int = 5
) -> dict[str, str]:
    """Fetch a page of an instance from one of the lab's namespaces; the app's lines as a dict."""
    url = f"http://{address}:{port}{path}"
    done = api.run_in(namespace, ["curl", "-sS", "--fail", "--max-time", str(patience), url])
    assert done.returncode == 0, f"{namespace} to {url}: {done.stderr}"
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def in_container(host: str, port: int, command: str) -> str:
    """Run a command inside an instance's container."""
    return ssh(host, f"podman exec onetime-{port} sh -c '{command}'")


def check_paths(
    hosts: Sequence[str], ports: Sequence[int] = PORTS, *, patience: int = 5, inside: bool = True
) -> None:
    """Use every path of every instance of every host, all at the same time, with real packets.

    + patience: how many seconds each may take
    + inside: from inside containers, too, which takes programs that the small image has
    """
    public = {host.name: host.public_address for host in api.hosts()}
    private = {host.name: host.private_address or "" for host in api.hosts()}

    def check(question: tuple[str, str, int]) -> None:
        kind, host, port = question
        match kind:
            case "outside":
                assert page("outside", public[host], port, patience=patience)["instance"]
            case "lan":
                assert page("maindb", private[host], port, patience=patience)["instance"]
            case "neighbours":
                for other in hosts:
                    assert page(other, private[host], port, patience=patience)["instance"]
            case "loopback":
                assert page(host, "127.0.0.1", port, patience=patience)["instance"]
            case "own private address":
                assert page(host, private[host], port, patience=patience)["instance"]
            case "database":
                ping = 'printf "PING\\r\\nQUIT\\r\\n"'
                answer = in_container(host, port, f"{ping} | timeout {patience} nc maindb 6379")
                assert answer.startswith("+PONG"), answer
            case "to the outside":
                answer = in_container(host, port, f"wget -q -O - -T {patience} http://{OUTSIDE}/")
                assert f"client={public[host]}" in answer, answer

    kinds = (
        "outside",
        "lan",
        "neighbours",
        "loopback",
        "own private address",
        *(("database", "to the outside") if inside else ()),
    )
    questions = [(kind, host, port) for kind in kinds for host in hosts for port in ports]
    failed = []
    with ThreadPoolExecutor(max_workers=16) as pool:
        for question, job in [(q, pool.submit(check, q)) for q in questions]:
            error = job.exception()
            if error is not None:
                failed.append(f"{question}: {error}")
    assert not failed, "\n".join(failed)


def snapshot(host: str) -> str:
    """Return all that a deploy could touch, as text to compare: files, links, routes, Podman."""
    return ssh(
        host,
        "find /etc -xdev -printf '%p %l %m %u %s %T@\\n' | sort; "
        "ls /var/lib/containers; ip -brief link; "
        "ip -4 -brief address; ip -4 route; nft --stateless list ruleset; "
        "podman ps -a --format '{{.Names}} {{.ID}} {{.StartedAt}}' | sort; "
        "podman network ls --format '{{.Name}} {{.ID}}' | sort; podman secret ls -q | sort; "
        "podman images --format '{{.ID}}' | sort; ls /run/systemd/generator",
    )
