"""What somebody else set up on a real host is printed as an inventory, which a deploy takes."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PYINFRA, ROOT, Site, snapshot, ssh, wait_until
from tests.unit.foreign import RECIPE

HOSTS = ("plain3",)
HOST = HOSTS[0]
SECRET = "8f1e2d3c4b5a6978hunter2"  # noqa: S105 - what must not be printed
IMAGE = "localhost/onetime-lab:1"
# What the recipe has otherwise than the lab.
HERE = {
    "{root}": "/opt/onetimesecret",
    "ghcr.io/onetimesecret/onetimesecret:v0.24.1": IMAGE,
    "curl -sf http": "wget -q -O /dev/null http",
    "/health": "/api/v2/status",
}
HEALTH = "wget -q -O /dev/null http://127.0.0.1:<port><health_path>"
# Without the container's name that the tool gives it, which Podman refuses for its @.
HOST_NETWORKED = f"""\
[Container]
Image={IMAGE}
Network=host
Environment=PORT=%i
EnvironmentFile=/etc/default/onetimesecret
Secret=ots_session,type=env,target=SESSION_SECRET
HealthCmd=wget -q -O /dev/null http://localhost:%i/api/v2/status || exit 1

[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(*HOSTS)
    done = api.ssh(HOST, "podman load -q", stdin=api.image_archive("1"))
    assert done.returncode == 0, done.stderr
    return site


def write(path: str, text: str) -> None:
    """Write a file on the host."""
    ssh(HOST, f"mkdir -p {Path(path).parent}; cat > {path} <<'END'\n{text}\nEND")


def settled(text: str) -> str:
    """Return a snapshot as it is once new links know that they are up."""
    return re.sub(r"(UNKNOWN|DOWN) +", "UP ", re.sub("UP +", "UP ", text))


def printed(site: Site, *arguments: str) -> str:
    """Return what the verb prints on standard output; it touches nothing."""
    before = settled(snapshot(HOST))
    command = [str(PYINFRA), str(site.inventory()), "verbs/adopt.py", "--dry", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert settled(snapshot(HOST)) == before
    return done.stdout


def dry_run(site: Site, inventory: str) -> str:
    """Return what a dry run says of a printed inventory, with the secrets at hand."""
    path = site.directory / "adopted.py"
    path.write_text(inventory)
    done = subprocess.run(
        [str(PYINFRA), str(path), "deploy.py", "--dry", "--data", f"health_command={HEALTH}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "ONETIME_SECRET": "x", "ONETIME_SESSION_SECRET": "y"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_recipe(site: Site) -> None:
    for name, recipe in RECIPE.items():
        text = recipe
        for part, here in HERE.items():
            text = text.replace(part, here)
        write(f"/etc/containers/systemd/{name}", text)
    for port in (7043, 7044):
        write(
            f"/opt/onetimesecret/env-{port}",
            f"REDIS_URL=redis://maindb:6379/0\nSECRET={SECRET}\nHOST=secrets.example.org",
        )
    ssh(HOST, "systemctl daemon-reload; systemctl start onetime@7043 onetime@7044")
    inventory = printed(site)
    line = json.loads(printed(dataclasses.replace(site), "--data", "format=json"))
    assert (line["schema"], line["host"]) == (1, HOST)
    words = line["words"]
    assert words["instances"] == [7043, 7044]
    assert words["network_mode"] == "macvlan"
    assert words["network_interface"] == "eth1"
    assert words["container_range"] == "10.0.0.192/28"
    assert words["db_host"] == "maindb"
    assert words["image"] == IMAGE
    assert words["environment"] == {
        "REDIS_URL": "redis://maindb:6379/0",
        "HOST": "secrets.example.org",
    }
    assert words["secrets"] == {"SECRET": "env:ONETIME_SECRET"}
    # What is there keeps the deploy away; with it gone, the deploy takes the inventory as it is.
    refused = dry_run(site, inventory)
    assert "this deploy did not make /etc/containers/systemd/onetime.network" in refused
    ssh(
        HOST,
        "systemctl stop onetime@7043 onetime@7044 onetime-network; "
        "rm /etc/containers/systemd/onetime*; systemctl daemon-reload; "
        "podman network rm systemd-onetime",
    )
    taken = dry_run(site, inventory)
    assert taken.startswith("2 "), taken


def test_units_of_the_apps_own_tool(site: Site) -> None:
    write("/etc/containers/systemd/onetime-web@.container", HOST_NETWORKED)
    write("/etc/default/onetimesecret", f"REDIS_URL=redis://maindb:6379/0\nSECRET={SECRET}")
    ssh(HOST, f"printf {SECRET} | podman secret create ots_session -")
    ssh(HOST, "systemctl daemon-reload; systemctl start onetime-web@7045 onetime-web@7046")
    wait_until(HOST, "curl -fsS http://127.0.0.1:7046/api/v2/status", seconds=30)
    inventory = printed(site)
    words = json.loads(printed(site, "--data", "format=json"))["words"]
    assert words["instances"] == [7045, 7046]
    assert words["network_mode"] == "host"
    assert words["secrets"] == {
        "SECRET": "env:ONETIME_SECRET",
        "SESSION_SECRET": "env:ONETIME_SESSION_SECRET",
    }
    refused = dry_run(site, inventory)
    assert "something else listens on port 7045 already" in refused
    ssh(HOST, "systemctl stop onetime-web@7045 onetime-web@7046")
    taken = dry_run(site, inventory)
    assert taken.startswith("2 "), taken


def test_container_without_a_unit(site: Site) -> None:
    ssh(
        HOST,
        f"podman run -d --name onetime-by-hand -p 10.0.0.13:7047:3000 -e SECRET={SECRET} {IMAGE}",
    )
    words = json.loads(printed(site, "--data", "format=json"))["words"]
    ssh(HOST, "podman rm -f onetime-by-hand")
    assert 7047 in words["instances"]
