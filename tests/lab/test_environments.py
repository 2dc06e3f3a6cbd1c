"""The worked examples of environments, and inventories outside of the checkout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from plan.inventory import reading
from tests.lab.conftest import Fresh
from tests.lab.harness import PYINFRA, ROOT, check_paths, page

pytestmark = pytest.mark.alone

HOST = "plain12"
RANGE = "10.0.0.112/29"

# What the lab's hosts have, and no other environment may get.
LAB_ONLY = ("ssh_hostname", "ssh_port", "ssh_key", "ssh_known_hosts_file")


def pyinfra(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pyinfra from the checkout's root."""
    done = subprocess.run(
        [str(PYINFRA), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stdout + done.stderr, done
    return done


def inventory_data(inventory: str) -> dict[str, dict[str, Any]]:
    """Return each host's data as pyinfra merges it."""
    done = pyinfra(inventory, "debug-inventory", "--json")
    assert done.returncode == 0, done.stderr
    return {host["name"]: host["data"] for host in json.loads(done.stdout)}


EXPECTED: dict[str, dict[str, dict[str, Any]]] = {
    "staging": {
        "app1.staging.example": {
            "instances": [7043],
            "network_mode": "macvlan",
            "network_interface": "eth1",
            "container_range": "10.10.0.128/28",
            "db_address": "10.10.0.10",
            "shim": False,
            "secrets": {"SECRET": "env:ONETIME_STAGING_SECRET"},
            "image_archive": None,
            "ssh_user": "deploy",
            "ssh_strict_host_key_checking": "yes",
            "_sudo": True,
        },
    },
    "production": {
        "app1.production.example": {
            "instances": [7043, 7044],
            "network_mode": "macvlan",
            "network_interface": None,
            "container_range": "10.20.0.128/27",
            "db_address": "10.20.0.10",
            "shim": False,
            "image_archive": None,
            "ssh_user": "root",
            "ssh_strict_host_key_checking": "yes",
        },
        "app2.production.example": {
            "instances": [7043, 7044, 7045],
            "container_range": "10.20.0.160/27",
            "db_address": "10.20.0.10",
            "shim": True,
            "image_archive": None,
        },
    },
}


@pytest.mark.parametrize("environment", EXPECTED)
def test_pyinfra_merges_an_environment_as_its_files_say(environment: str) -> None:
    merged = inventory_data(f"inventories/{environment}/inventory.py")
    expected = EXPECTED[environment]
    assert merged.keys() == expected.keys()
    for host, words in expected.items():
        assert {word: merged[host][word] for word in words} == words


SSH = ("ssh_user", "ssh_strict_host_key_checking")


@pytest.mark.parametrize("environment", EXPECTED)
def test_environment_is_complete_and_has_no_unknown_word(environment: str) -> None:
    for host, data in inventory_data(f"inventories/{environment}/inventory.py").items():
        assert reading.read(host, data, {}, ignored=SSH)


@pytest.mark.parametrize("environment", EXPECTED)
def test_environment_takes_nothing_from_the_lab(environment: str) -> None:
    for data in inventory_data(f"inventories/{environment}/inventory.py").values():
        assert not data.keys() & set(LAB_ONLY)
        assert "onetime-lab" not in json.dumps(data)
        assert data["health_command"].startswith("curl ")


@pytest.mark.parametrize("environment", EXPECTED)
def test_hosts_that_are_not_there_give_a_clear_connection_error(environment: str) -> None:
    done = pyinfra(f"inventories/{environment}/inventory.py", "deploy.py", "--dry")
    assert done.returncode != 0
    for host in EXPECTED[environment]:
        assert f"[{host}] Could not resolve hostname" in done.stderr
    assert "No hosts remaining!" in done.stderr


def test_environment_outside_of_the_checkout(fresh: Fresh, tmp_path: Path) -> None:
    """Its own group_data wins over the checkout's, key by key, and a host's data over both."""
    site = fresh(HOST, directory=tmp_path)
    site.by_host = {HOST: {"container_range": RANGE, "instances": [7043]}}
    group_data = tmp_path / "group_data"
    group_data.mkdir()
    (group_data / "all.py").write_text(
        'instances = [7050, 7051]\nenvironment = {"ONETIME_TEST_FROM": "outside"}\n'
    )
    merged = inventory_data(str(site.inventory()))[HOST]
    assert merged["environment"] == {"ONETIME_TEST_FROM": "outside"}
    assert merged["db_host"] == "maindb"
    assert merged["instances"] == [7043]

    site.deploy_twice()
    check_paths([HOST], ports=[7043])
    assert page(HOST, "127.0.0.1", 7043)["env ONETIME_TEST_FROM"] == "outside"
