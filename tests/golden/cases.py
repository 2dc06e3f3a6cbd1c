"""Hosts whose whole releases are checked in, one directory each, named for what is special."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from plan.model import HostPlan
from tests.unit.planned import observed, plan_one
from tests.unit.tunnels import KEYS, PEER, host, key, words

HOME = Path(__file__).parent

_TWO_PEERS = [
    PEER | {"allowed_ips": ["10.77.0.0/24"], "preshared_key": "env:WG_SHARED"},
    {"public_key": key(254), "endpoint": "vpn.example:51820", "allowed_ips": ["10.78.0.0/16"]},
]

CASES: Mapping[str, Callable[[], HostPlan]] = {
    "macvlan": lambda: plan_one(observed()),
    "ipvlan": lambda: plan_one(observed(network_mode="ipvlan")),
    "routed": lambda: plan_one(observed(network_mode="routed")),
    "direct": lambda: plan_one(observed(network_mode="direct", db_address="10.0.0.10")),
    "wireguard": lambda: plan_one(host()),
    "host": lambda: plan_one(observed(network_mode="host")),
    "ipvlan-shim": lambda: plan_one(observed(network_mode="ipvlan", shim=True)),
    "shim": lambda: plan_one(observed(shim=True)),
    "secrets": lambda: plan_one(
        observed(secrets={"SECRET": "env:SECRET"}, environment={"LANG": "C.UTF-8", "RATE": "5%"})
    ),
    "release-command": lambda: plan_one(
        observed(
            release_command=["bin/ots", "migrate", "--run", "50% of it"],
            release_secrets={"TOKEN": "env:TOKEN"},
            secrets={"SECRET": "env:SECRET"},
            services={"authdb": {"address": "10.0.0.30", "port": 5432}},
            cpus=1.5,
        )
    ),
    "files": lambda: plan_one(
        replace(
            observed(
                files={"/app/etc/auth.yaml": "auth.yaml", "/app/etc/branding": "branding/"},
                volumes={"/app/data": "onetime-data"},
                release_command=["bin/ots", "migrate"],
            ),
            files={"/app/etc/auth.yaml": "a: 1\n", "/app/etc/branding/logo.svg": "<svg/>\n"},
        )
    ),
    "jobs": lambda: plan_one(
        observed(workers=["emails", "billing"], scheduler=True, secrets={"SECRET": "env:SECRET"})
    ),
    "jobs-wireguard": lambda: plan_one(host(workers=["emails"])),
    "services": lambda: plan_one(
        observed(
            services={
                "authdb": {"address": "10.0.0.30", "port": 5432, "protocol": "postgresql"},
                "rabbitmq": {"address": "10.0.0.31", "port": 5671, "protocol": "amqp", "tls": True},
            },
        )
    ),
    "publish-address": lambda: plan_one(observed(publish_address="10.0.0.15")),
    "routed-without-nat": lambda: plan_one(observed(network_mode="routed", routed_nat=False)),
    "two-peers": lambda: plan_one(
        host(words(peers=_TWO_PEERS), keys=KEYS | {"wireguard-peer-0": key(3)})
    ),
}


def directories() -> set[Path]:
    """Return the directories that hold golden releases."""
    return {path for path in HOME.iterdir() if path.is_dir() and path.name != "__pycache__"}


def listing(plan: HostPlan) -> str:
    """Return what a checkout cannot hold of a release: modes, and where links lead."""
    lines = [f"{file.mode:o} {file.path}" for file in plan.files]
    lines += [f"link {link.path} -> {link.target}" for link in plan.links]
    return "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line.split()[1]))


def release(plan: HostPlan) -> dict[str, str]:
    """Return the texts of a golden directory by path: the release's files, and the listing."""
    return {file.path: file.content for file in plan.files} | {"LISTING": listing(plan)}
