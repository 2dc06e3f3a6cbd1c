"""Bad values in the inventory and in the environment: one clear line each, nothing touched."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab.conftest import Fresh
from tests.lab.harness import PYINFRA, ROOT, Run, Site, snapshot
from tests.lab.refusals import RANGE, Case, Problem, attempt_all, check, refused, wrong

HOST = "plain14"


def env(name: str, value: str, seen: str) -> Case:
    """Return a case of an environment variable; the inventory's own value is fine, and loses."""
    variable = f"NETWORK_{name}"
    return Case({"network_interface": "eth1"}, variable, seen, {variable: value})


# Words, and values that are wrong by themselves, whatever the host is.
CASES = {
    "misspelt word": wrong("instnaces", [7043], "(did you mean instances?)"),
    "word of others": wrong("sudo", True, "the deploy knows no such key"),
    "misspelt mode": wrong("network_mode", "macvaln", "(did you mean macvlan?)"),
    "no mode of ours": wrong("network_mode", "bridge", "'bridge' was given"),
    "no instances": wrong("instances", [], "[] was given"),
    "one port, no list": wrong("instances", 7043, "7043 was given"),
    "privileged port": wrong("instances", [443], "[443] was given"),
    "port of text": wrong("instances", ["7043"], "['7043'] was given"),
    "port twice": wrong("instances", [7043, 7044, 7043], "7043 stands there more often"),
    "port too high": wrong("instances", [65536], "from 1024 to 65535"),
    "interface option": wrong("network_interface", "-all", "'-all' was given"),
    "interface too long": wrong("network_interface", "e" * 16, "interface name"),
    "subnet with host bits": wrong("network_subnet", "10.0.0.1/24", "host bits set"),
    "gateway with prefix": wrong("network_gateway", "10.0.0.1/24", "'10.0.0.1/24'"),
    "range of IPv6": wrong("container_range", "fd00::/64", "'fd00::/64' was given"),
    "range of a number": wrong("container_range", 27, "27 was given"),
    "loopback bridge": wrong("publish_subnet", "127.9.0.0/24", "127.9.0.0/24"),
    "address of nobody": wrong("publish_address", "255.255.255.255", "no host has"),
    "shim of text": wrong("shim", "yes", "'yes' was given"),
    "shim address of text": wrong("shim_address", "first", "'first' was given"),
    "database name option": wrong("db_host", "--help", "'--help' was given"),
    "database name newline": wrong("db_host", "maindb\nx", r"'maindb\nx' was given"),
    "database by name": wrong("db_address", "maindb", "or host-gateway"),
    "database port zero": wrong("db_port", 0, "0 was given"),
    "image with newline": wrong("image", "a:1\nExec=/bin/sh", r"'a:1\nExec=/bin/sh'"),
    "image option": wrong("image", "--privileged", "'--privileged' was given"),
    "archive missing": wrong("image_archive", "gone.tar", "no file gone.tar on this"),
    "archive directory": wrong("image_archive", "tests", "there is no file tests"),
    "port of the app": wrong("container_port", "3000", "'3000' was given"),
    "variable with newline": wrong("environment", {"A": "1\nB=2"}, "value of A"),
    "variable of a number": wrong("environment", {"A": 1}, "value of A is not"),
    "variable name": wrong("environment", {"A-B": "1"}, "'A-B' is none"),
    "variable taken": wrong("environment", {"PORT": "80"}, "container_port"),
    "secret in the open": wrong("secrets", {"A": "hunter2"}, "or command:"),
    "secret not set": wrong("secrets", {"A": "env:NOT_SET"}, "env:NOT_SET is not set"),
    "secret file": wrong("secrets", {"A": "file:/gone"}, "A: file:/gone cannot be read"),
    "secret and not": Case(
        {"secrets": {"A": "env:HOME"}, "environment": {"A": "1"}},
        "secrets",
        "A is in environment too",
    ),
    "relative path": wrong("health_path", "status", "'status' was given"),
    "command with newline": wrong("health_command", "true\nfalse", r"'true\nfalse'"),
    "command with quotes": wrong("health_command", "sh -c 'x'", "without quotes"),
    "variable: interface missing": env("INTERFACE", "eth9", "there is no eth9, only lo, eth0"),
    "variable: interface option": env("INTERFACE", "-eth1", "'-eth1' was given"),
    "variable: interface public": env("INTERFACE", "eth0", "no card has an address in 10/8"),
    "variable: subnet garbled": env("SUBNET", "10.0.0.0/99", "'10.0.0.0/99' was given"),
    "variable: subnet elsewhere": env("SUBNET", "10.7.0.0/24", "holds no private address of eth1"),
    "variable: gateway by name": env("GATEWAY", "router", "'router' was given"),
    "variable: gateway elsewhere": env("GATEWAY", "10.7.0.1", "10.7.0.1 is not in 10.0.0.0/24"),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(HOST)
    site.everywhere = {"container_range": RANGE}
    return site


@pytest.fixture(scope="module")
def runs(site: Site) -> dict[str, Run]:
    return attempt_all(site, CASES)


@pytest.mark.parametrize("case", CASES)
def test_bad_value_is_refused_in_one_line(runs: dict[str, Run], case: str) -> None:
    check(runs[case], Problem(HOST, CASES[case].key, CASES[case].seen))


def test_problems_are_said_all_at_once(site: Site) -> None:
    refused(
        site,
        Problem(HOST, "shimm", "did you mean shim?"),
        Problem(HOST, "instances", "[80] was given"),
        Problem(HOST, "db_port", "-1 was given"),
        shimm=True,
        instances=[80],
        db_port=-1,
    )


def test_private_values_stay_private(runs: dict[str, Run]) -> None:
    assert "hunter2" not in runs["secret in the open"].output


def test_run_without_terminal_and_yes_does_nothing(site: Site) -> None:
    """Pyinfra asks before it changes anything; with nobody to answer it says how to."""
    before = snapshot(HOST)
    done = subprocess.run(
        [str(PYINFRA), str(site.inventory()), "deploy.py"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Add -y to make them, or --dry to see them." in done.stderr
    assert snapshot(HOST) == before
