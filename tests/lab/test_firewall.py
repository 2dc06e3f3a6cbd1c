"""Published ports outlive reloads of the host's firewall; nothing is restarted for that."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import PORTS, Site, check_paths, ssh, started, wait_until
from tests.lab.modes import in_mode

HOST = "plain4"
FIREWALLD = "firewalld1"
# Most are back within one; the machine that the lab is on may be busy.
SECONDS = 15

# What Debian ships flushes the ruleset and drops nothing; this drops what is forwarded.
CHAIN = "chain forward { type filter hook forward priority filter; policy drop; }"
DROPS = f"flush ruleset\ntable inet filter {{ {CHAIN}; }}\n"
RELOADS = {
    "flush": "nft flush ruleset",
    "nftables": "systemctl restart nftables",
    "interfaces made anew": "podman network reload --all",
    "nftables that drops": (
        "cp /etc/nftables.conf /etc/nftables.conf.found; "
        f"printf '%s' '{DROPS}' > /etc/nftables.conf; systemctl restart nftables"
    ),
}
BACK = (
    "[ ! -e /etc/nftables.conf.found ] || mv /etc/nftables.conf.found /etc/nftables.conf; "
    "systemctl disable --quiet nftables; systemctl stop nftables"
)
UNGUARDED = (
    "for name in $(podman ps --filter network=onetime-publish --format '{{.Names}}'); do "
    "nsenter --net --target $(podman inspect --format '{{.State.Pid}}' $name) "
    "ip rule del priority 4300; done"
)
FIREWALLD_RELOADS = {
    "reload": "firewall-cmd --quiet --reload",
    "restart": "systemctl restart firewalld",
    "reload without Podman's unit": (
        "systemctl stop netavark-firewalld-reload; firewall-cmd --quiet --reload"
    ),
}


def answers_again(host: str, since: float, seconds: float = SECONDS) -> None:
    """Return when every path of the host answers; fail if that is too late."""
    while True:
        try:
            check_paths([host], patience=1)
        except AssertionError:
            if time.monotonic() > since + seconds:
                raise
            continue
        assert time.monotonic() < since + seconds
        return


def survives(host: str, command: str, *, seconds: float = SECONDS) -> None:
    """Run a command that reloads the firewall; every path answers again, nothing was restarted."""
    check_paths([host])
    before = started(host)
    ssh(host, command)
    answers_again(host, time.monotonic(), seconds)
    assert started(host) == before


def nothing_is_left_to_do(site: Site) -> None:
    again = site.deploy()
    assert again.code == 0, again.output
    assert again.changed == 0, again.output


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


@pytest.fixture
def nftables() -> Iterator[None]:
    """Put the host's own firewall back as it was found."""
    yield
    ssh(HOST, BACK)
    answers_again(HOST, time.monotonic(), 30)


@pytest.mark.parametrize("reload", RELOADS)
@pytest.mark.parametrize("mode", ["macvlan", "routed"])
@pytest.mark.usefixtures("nftables")
def test_published_ports_answer_again_after_a_reload(site: Site, mode: str, reload: str) -> None:
    there = in_mode(site, mode)
    assert there.deploy().code == 0
    survives(HOST, RELOADS[reload])
    # And once more, with the rules in the chain that drops.
    survives(HOST, "systemctl restart nftables")
    nothing_is_left_to_do(there)


@pytest.mark.parametrize("reload", FIREWALLD_RELOADS)
@pytest.mark.parametrize("mode", ["macvlan", "routed"])
def test_published_ports_answer_again_after_firewalld_reloads(
    firewalld: Site, mode: str, reload: str
) -> None:
    there = in_mode(firewalld, mode, shim=False)
    assert there.deploy().code == 0
    survives(FIREWALLD, FIREWALLD_RELOADS[reload])
    nothing_is_left_to_do(there)


@pytest.fixture(scope="module")
def firewalld(fresh: Fresh) -> Site:
    return fresh(FIREWALLD)


@pytest.fixture
def deployed(site: Site) -> Site:
    there = in_mode(site, "macvlan")
    assert there.deploy().code == 0
    check_paths(there.hosts)
    return there


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("nft flush ruleset", "Will set the host's rules and shim\n"),
        (UNGUARDED, "Will guard anew onetime-7043, onetime-7044"),
        (
            "nft delete table ip onetime; ip link delete macvlan0; "
            "echo 0 >/proc/sys/net/ipv4/ip_forward",
            "Will set the host's rules and shim\n",
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
    assert "Will guard anew onetime-7043, onetime-7044" in run.output
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


@pytest.mark.usefixtures("nftables")
def test_boot_with_a_firewall_of_the_host(deployed: Site) -> None:
    ssh(HOST, RELOADS["nftables that drops"])
    answers_again(HOST, time.monotonic())
    ssh(HOST, "systemctl enable --quiet nftables")
    api.reboot(HOST)
    for port in PORTS:
        wait_until(HOST, f"systemctl is-active --quiet onetime@{port}.service")
    check_paths(deployed.hosts)
    assert "policy drop" in ssh(HOST, "nft list chain inet filter forward")
    nothing_is_left_to_do(deployed)
    survives(HOST, "systemctl restart nftables")


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
    assert "Will guard anew onetime-wg-7043, onetime-wg-7044" in run.output
    answers_again(HOST, time.monotonic(), 30)
    there.deploy_twice()


def test_host_mode_has_its_own_table_alone_to_restore(site: Site) -> None:
    there = in_mode(site, "host")
    assert there.deploy().code == 0
    survives(HOST, "nft flush ruleset")
    wait_until(HOST, "nft list table ip onetime")
    assert ssh(HOST, "nft list tables") == "table ip onetime"
    there.deploy_twice()
