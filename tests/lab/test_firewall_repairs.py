"""What a reload of the firewall takes is restored by the host itself, or by the next deploy."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, check_paths, ssh, started, wait_until
from tests.lab.modes import in_mode
from tests.lab.reloads import UNGUARDED, answers_again, survives

HOST = "plain4"


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


@pytest.fixture
def deployed(site: Site) -> Site:
    there = in_mode(site, "macvlan")
    assert there.deploy().code == 0
    check_paths(there.hosts)
    return there


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("nft flush ruleset", "  1. set the host's rules, forwarding and shim: "),
        (UNGUARDED, "  1. guard onetime-7043, onetime-7044 anew: "),
        (
            "nft delete table ip onetime; ip link delete macvlan0; "
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
            "  1. set the host's rules, forwarding and shim: ",
        ),
    ],
)
def test_next_deploy_repairs_what_nothing_has_restored(
    deployed: Site, taken: str, told: str
) -> None:
    before = started(HOST)
    ssh(HOST, f"systemctl stop onetime-firewall; {taken}")
    with pytest.raises(AssertionError):
        check_paths(deployed.hosts, patience=1)
    run = deployed.deploy()
    assert run.code == 0, run.output
    assert told in run.output
    check_paths(deployed.hosts)
    assert started(HOST) == before
    deployed.deploy_twice()
    survives(HOST, "nft flush ruleset")


def test_dry_run_tells_what_a_reload_has_taken(deployed: Site) -> None:
    ssh(HOST, f"systemctl stop onetime-firewall; {UNGUARDED}")
    run = deployed.pyinfra("deploy.py", "--dry")
    assert "  1. guard onetime-7043, onetime-7044 anew: " in run.output
    with pytest.raises(AssertionError):
        check_paths(deployed.hosts, patience=1)
    # Whoever starts it again has the way back.
    ssh(HOST, "systemctl start onetime-firewall")
    answers_again(HOST, time.monotonic())


@pytest.mark.parametrize(
    "victim",
    [
        "$(systemctl show --property=MainPID --value onetime-firewall)",
        "$(pgrep --parent $(systemctl show --property=MainPID --value onetime-firewall))",
    ],
)
@pytest.mark.usefixtures("deployed")
def test_watcher_outlives_its_own_end(victim: str) -> None:
    process = "systemctl show --property=MainPID --value onetime-firewall"
    before = ssh(HOST, process)
    survives(HOST, f"kill -9 {victim}; nft flush ruleset")
    assert ssh(HOST, process) not in {before, "0"}


@pytest.mark.usefixtures("deployed")
def test_watcher_is_idle_once_it_has() -> None:
    survives(HOST, "nft flush ruleset")
    usage = "systemctl show --property=CPUUsageNSec --value onetime-firewall"
    ssh(HOST, f"{usage} | grep -x '[0-9]*'")
    wait_until(HOST, f"a=$({usage}) && sleep 3 && [ $a = $({usage}) ]", seconds=20)
    # Rules that are none of ours come and go, and nothing is done for them.
    generation = "podman ps -q | xargs podman inspect --format '{{.State.Pid}}' | sort; ip link"
    before = ssh(HOST, generation)
    ssh(HOST, "nft add table ip mine; nft delete table ip mine")
    wait_until(HOST, f"a=$({usage}) && sleep 3 && [ $a = $({usage}) ]", seconds=20)
    assert ssh(HOST, generation) == before


MOMENTS = {
    "it begins": "[ -e /etc/onetime/switching ]",
    "the first instance stops": "! systemctl is-active --quiet onetime@7043",
    "the first instance starts": (
        "[ $(systemctl is-active onetime@7043) = activating ] && podman exec onetime-7043 true"
    ),
    "the second instance stops": "! systemctl is-active --quiet onetime@7044",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_reload_during_a_deploy_does_not_break_it(deployed: Site, moment: str) -> None:
    everywhere = {**deployed.everywhere, "environment": {"ONETIME_TEST_MOMENT": moment}}
    changed = dataclasses.replace(deployed, everywhere=everywhere)
    flush = f"until {MOMENTS[moment]}; do sleep 0.02; done 2>/dev/null; nft flush ruleset"
    with ThreadPoolExecutor() as pool:
        flushed = pool.submit(api.ssh, HOST, f"timeout 60 bash -c '{flush}'")
        run = changed.deploy()
        done = flushed.result()
    assert done.returncode == 0, done.stderr
    assert run.code == 0, run.output
    assert "going back" not in run.output
    answers_again(HOST, time.monotonic())
    changed.deploy_twice()


def test_guards_of_sidecars_are_restored_too(site: Site) -> None:
    """There the network is the sidecar's, and so is its guard."""
    there = in_mode(site, "wireguard")
    assert there.deploy().code == 0
    # The tunnel finds its way again by itself, which may take it a handshake.
    survives(HOST, "nft flush ruleset", seconds=30)
    ssh(HOST, f"systemctl stop onetime-firewall; {UNGUARDED}")
    run = there.deploy()
    assert run.code == 0, run.output
    assert "  1. guard onetime-wg-7043, onetime-wg-7044 anew: " in run.output
    answers_again(HOST, time.monotonic(), 30)
    there.deploy_twice()
