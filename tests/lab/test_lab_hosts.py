"""The lab's hosts: made once, interrupted at any moment, rebooted, removed without a trace."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api, cgroup, login, netns
from lab.paths import BASES, HOSTS, KEYS, KNOWN_HOSTS, PRIVATE_KEY
from lab.shapes import spec
from lab.shell import wait_until

pytestmark = pytest.mark.alone

LAB = (sys.executable, "-m", "lab")
ROOT = Path(__file__).parents[2]
SPARE = ("plain18", "plain19")


@pytest.fixture(scope="module", autouse=True)
def spare() -> Iterator[None]:
    """Two hosts that no other test uses."""
    api.up(*SPARE)
    yield
    api.down(*(host for host in SPARE if host in {known.name for known in api.known()}))


def answer(host: str, command: str) -> str:
    done = api.ssh(host, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def boot_id(host: str) -> str:
    return answer(host, "cat /proc/sys/kernel/random/boot_id")


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def ports(host: str) -> str:
    return api.run_in(
        "switch", ["sh", "-c", f"ip -o link | grep -o '{host}-eth[0-9]' | sort"]
    ).stdout


def test_up_leaves_hosts_alone_that_are_up() -> None:
    boots = [boot_id(host) for host in SPARE]
    done = lab("up", *SPARE)
    assert done.returncode == 0, done.stderr
    assert "booting" not in done.stdout
    assert [boot_id(host) for host in SPARE] == boots


def test_hosts_are_reached_by_their_true_keys() -> None:
    host = next(host for host in api.hosts() if host.name == "plain19")
    scan = subprocess.run(
        ["ssh-keyscan", "-t", "ed25519", host.public_address],
        check=False,
        capture_output=True,
        text=True,
    )
    assert scan.stdout.strip() in host.known_hosts.read_text()
    assert answer("plain19", "hostname") == "plain19"
    assert len({answer(name, "cat /etc/machine-id") for name in SPARE}) == len(SPARE)


def test_private_keys_are_for_root_alone() -> None:
    keys = [PRIVATE_KEY, *HOSTS.glob("*/upper/etc/ssh/ssh_host_*_key"), *KEYS.iterdir()]
    assert len(keys) > len(SPARE)
    # Public keys and certificates are for everybody.
    private = [key for key in keys if key.suffix not in {".pub", ".pem"}]
    assert {key.stat().st_mode & 0o077 for key in private} == {0}


def test_every_unit_is_up_and_the_network_counts_as_online() -> None:
    assert answer("plain19", "systemctl is-system-running") == "running"
    answer("plain19", "timeout 10 systemctl start network-online.target")
    assert answer("plain19", "systemctl is-active systemd-networkd-wait-online") == "active"
    assert "plain19" in answer("plain19", "journalctl -b -o short -n 1")


def test_reboot_keeps_the_disk_and_nothing_else() -> None:
    answer("plain19", "echo kept >/root/kept && echo kept >/var/lib/containers/kept")
    answer(
        "plain19", "nft add table ip left && ip link add podman1 type bridge && echo x >/run/left"
    )
    boot, namespace = boot_id("plain19"), netns.inode("plain19")
    assert lab("reboot", "plain19").returncode == 0
    assert boot_id("plain19") != boot
    assert netns.inode("plain19") != namespace
    assert answer("plain19", "cat /root/kept /var/lib/containers/kept").split() == ["kept", "kept"]
    left = answer("plain19", "nft list tables; ip -br link; ls /run")
    assert not re.search(r"\bleft\b|podman1", left)
    assert "Stopped target" in answer("plain19", "journalctl -b -1 --no-pager")
    assert ports("plain19").split() == ["plain19-eth0", "plain19-eth1"]


def test_power_cut_is_survived() -> None:
    answer("plain19", "echo synced >/root/synced && sync")
    boot = boot_id("plain19")
    assert lab("reboot", "--hard", "plain19").returncode == 0
    assert boot_id("plain19") != boot
    assert answer("plain19", "cat /root/synced") == "synced"


def test_up_brings_back_a_host_that_went_down_by_itself() -> None:
    boot = boot_id("plain19")
    api.ssh("plain19", "systemctl poweroff")
    wait_until(lambda: not cgroup.running("plain19"), what="plain19 to go down", seconds=60)
    assert "plain19" not in {host.name for host in api.hosts()}
    assert lab("up", "plain19").returncode == 0
    assert boot_id("plain19") != boot


@pytest.mark.parametrize("moment", [0.1, 0.3, 0.5, 0.7, 1.0, 1.5])
@pytest.mark.parametrize("whole_group", [False, True], ids=["alone", "with children"])
def test_up_that_was_killed_is_completed_by_the_next(moment: float, whole_group: bool) -> None:
    api.down(*SPARE)
    process = subprocess.Popen(
        [*LAB, "up", *SPARE], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    done = lab("up", *SPARE)
    assert done.returncode == 0, done.stderr
    for host in SPARE:
        assert answer(host, "systemctl is-system-running") == "running"
        assert answer(host, "redis-cli -h maindb ping") == "PONG"


def test_base_whose_building_was_killed_leaves_nothing() -> None:
    another_base = "from lab import api, base; base.SETUP += '# another'; api.up()"
    process = subprocess.Popen([sys.executable, "-c", another_base], cwd=ROOT)
    # Programs are being configured in the new root by now, with /proc and more mounted there.
    wait_until(lambda: any(BASES.glob("*.tmp/usr/bin/apt")), what="half a base", seconds=60)
    process.kill()
    process.wait()
    done = lab("up", *SPARE)
    assert done.returncode == 0, done.stderr
    assert not list(BASES.glob("*.tmp"))
    assert not cgroup.running("build-trixie")
    assert str(BASES) not in Path("/proc/mounts").read_text()


def test_down_that_was_killed_is_completed_by_the_next() -> None:
    process = subprocess.Popen([*LAB, "down", *SPARE], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "removing plain18\n"
    process.kill()
    process.wait()
    assert lab("up", *SPARE).returncode == 0
    assert answer("plain18", "systemctl is-system-running") == "running"


def test_down_leaves_no_trace_of_a_host() -> None:
    answer("plain18", "true")
    assert login.socket("plain18").exists()
    assert lab("down", "plain18").returncode == 0
    assert not cgroup.running("plain18")
    assert not (HOSTS / "plain18").exists()
    assert "plain18" not in netns.names()
    assert not ports("plain18")
    assert not login.socket("plain18").exists()
    assert spec("plain18").public not in KNOWN_HOSTS.read_text()
    assert "plain18" not in Path("/proc/mounts").read_text()


def test_two_commands_take_turns() -> None:
    one = subprocess.Popen([*LAB, "up", *SPARE], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    two = subprocess.Popen([*LAB, "up", *SPARE], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    printed = one.communicate()[0] + two.communicate()[0]
    assert (one.returncode, two.returncode) == (0, 0)
    assert printed.count("booting plain18") == 1


def test_commands_pass_their_exit_code_on() -> None:
    assert lab("ssh", "plain19", "exit", "7").returncode == 7
    assert lab("exec", "outside", "sh", "-c", "exit 7").returncode == 7
    assert lab("exec", "plain19", "--", "true").returncode == 0
    status = lab("status")
    assert re.search(r"plain19 .* up .* 203\.0\.113\.29", status.stdout), status
