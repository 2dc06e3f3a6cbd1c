"""The lab's virtual machines: the same commands, on a kernel that has ipvlan and WireGuard."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api, cgroup, netns
from lab.paths import BASES, HOSTS, KNOWN_HOSTS
from lab.shapes import spec
from lab.shell import wait_until

LAB = (sys.executable, "-m", "lab")
ROOT = Path(__file__).parents[2]
HOST = "vm9"  # no other test uses it
PUBLIC, PRIVATE = "203.0.113.119", "10.0.0.119"
GUEST = "10.0.0.120"  # an address on the private network that no host can have
IMAGE = "localhost/onetime-lab:1"


@pytest.fixture(scope="module", autouse=True)
def machine() -> Iterator[api.Host]:
    """One fresh virtual machine."""
    if HOST in {known.name for known in api.known()}:
        api.down(HOST)
    yield next(host for host in api.up(HOST) if host.name == HOST)
    if HOST in {known.name for known in api.known()}:
        api.down(HOST)


def answer(command: str) -> str:
    done = api.ssh(HOST, command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def boot_id() -> str:
    return answer("cat /proc/sys/kernel/random/boot_id")


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def ports() -> list[str]:
    return re.findall(rf"{HOST}-eth\d", api.run_in("switch", ["ip", "-o", "link"]).stdout)


def test_machine_is_a_host_with_a_kernel_of_its_own(machine: api.Host) -> None:
    assert (machine.public_address, machine.private_address) == (PUBLIC, PRIVATE)
    assert answer("systemctl is-system-running; hostname").split() == ["running", HOST]
    assert "cloud-amd64" in answer("uname -r")
    assert answer("uname -r") != os.uname().release
    assert answer("podman --version").startswith("podman version 5.")
    assert re.search(rf"{HOST} .* up .* {PUBLIC}", lab("status").stdout)


def test_its_cards_are_those_of_a_plain_host() -> None:
    devices = re.findall(r"^ *(\S+):", answer("cat /proc/net/dev"), flags=re.MULTILINE)
    assert devices == ["lo", "eth0", "eth1"]
    assert [line.rstrip() for line in answer("ip -4 route").splitlines()] == [
        "default via 203.0.113.1 dev eth0 proto static",
        f"10.0.0.0/24 dev eth1 proto kernel scope link src {PRIVATE}",
        f"203.0.113.0/24 dev eth0 proto kernel scope link src {PUBLIC}",
    ]


def test_machine_reaches_database_outside_and_neighbours() -> None:
    # An answer may come late where the machine has much else to do.
    assert answer("redis-cli -h maindb ping") == "PONG"
    assert answer("curl -sm 20 http://198.51.100.10/") == f"client={PUBLIC}"
    answer("ping -c 1 -W 20 10.0.0.1")
    assert api.run_in("gateway", ["ping", "-c1", "-W20", PRIVATE]).returncode == 0
    assert api.run_in("outside", ["ping", "-c1", "-W20", PUBLIC]).returncode == 0


def test_commands_run_in_it_as_in_a_namespace() -> None:
    argv = ["sh", "-c", 'echo "$1"; exit 7', "sh", "two  words; 'quoted'"]
    done = api.run_in(HOST, argv)
    assert (done.returncode, done.stdout) == (7, "two  words; 'quoted'\n")
    assert lab("exec", HOST, "sh", "-c", "exit 7").returncode == 7
    assert lab("ssh", HOST, "exit", "7").returncode == 7


@pytest.mark.parametrize("kind", ["ipvlan mode l2", "macvlan mode bridge"])
def test_link_on_its_private_card_is_a_way_to_the_database(kind: str) -> None:
    answer(
        f"ip netns add guest && ip link add guest0 link eth1 netns guest type {kind} && "
        f"ip -n guest address add {GUEST}/24 dev guest0 && ip -n guest link set guest0 up"
    )
    try:
        assert answer("ip netns exec guest redis-cli -h 10.0.0.10 ping") == "PONG"
        seen = answer("ip netns exec guest redis-cli -h 10.0.0.10 client info")
        assert f" addr={GUEST}:" in seen
    finally:
        answer("ip netns delete guest")
        api.run_in("maindb", ["ip", "neigh", "flush", "to", GUEST])


def test_machine_has_wireguard_and_the_modules_of_a_router() -> None:
    answer("ip link add wg0 type wireguard && ip link set wg0 up")
    assert "wg0" in answer("ip -brief link show type wireguard")
    answer("ip link delete wg0")
    answer("modprobe br_netfilter && nft add table ip probe && nft delete table ip probe")


def test_app_runs_and_its_port_is_published() -> None:
    loaded = api.ssh(HOST, "podman load -q", stdin=api.image_archive())
    assert loaded.stdout == f"Loaded image: {IMAGE}\n", loaded
    # Limits are real here: all controllers are the machine's own.
    answer(f"podman run -d --name app --pids-limit 99 --memory 64m -p 8000:3000 {IMAGE}")
    question = ["curl", "-sfm", "5", f"http://{PUBLIC}:8000/api/v2/status"]
    wait_until(lambda: api.run_in("outside", question).returncode == 0, what="the app", seconds=60)
    said = api.run_in("maindb", ["curl", "-sfm", "20", f"http://{PRIVATE}:8000/whoami"]).stdout
    assert "client=10.0.0.10\n" in said
    assert answer("podman exec app cat /sys/fs/cgroup/pids.max") == "99"


def test_reboot_keeps_the_disk_and_nothing_else() -> None:
    answer("echo kept >/root/kept && nft add table ip left && echo x >/run/left")
    boot, identity = boot_id(), answer("cat /etc/machine-id")
    done = lab("reboot", HOST)
    assert done.returncode == 0, done.stderr
    assert boot_id() != boot
    assert answer("cat /etc/machine-id /root/kept").split() == [identity, "kept"]
    assert "left" not in answer("nft list tables; ls /run")
    assert "Stopped target" in answer("journalctl -b -1 --no-pager")
    assert answer("podman ps -a --format '{{.Names}}'") == "app"
    assert ports() == [f"{HOST}-eth0", f"{HOST}-eth1"]


def test_power_cut_is_survived() -> None:
    answer("echo synced >/root/synced && sync")
    boot = boot_id()
    api.reboot(HOST, hard=True)
    assert boot_id() != boot
    assert answer("cat /root/synced; systemctl is-system-running").split() == ["synced", "running"]


def test_host_is_brought_back_by_an_up_that_was_cut_off() -> None:
    boot = boot_id()
    api.ssh(HOST, "systemctl poweroff")
    wait_until(lambda: not cgroup.running(HOST), what=f"{HOST} to go down", seconds=300)
    assert HOST not in {host.name for host in api.hosts()}
    process = subprocess.Popen(
        [*LAB, "up", HOST], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    wait_until(lambda: cgroup.running(HOST), what=f"{HOST} to boot", seconds=300)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = lab("up", HOST)
    assert done.returncode == 0, done.stderr
    assert boot_id() != boot
    assert answer("cat /root/synced; systemctl is-system-running").split() == ["synced", "running"]


def test_base_whose_building_was_killed_leaves_nothing() -> None:
    another = "from lab import api, vmbase; vmbase.SETUP += '# another'; api.up('vm8')"
    process = subprocess.Popen([sys.executable, "-c", another], cwd=ROOT)

    def half_way() -> bool:
        return any(BASES.glob("vm-*.tmp/root/*"))

    try:
        wait_until(
            lambda: half_way() or process.poll() is not None, what="half a base", seconds=300
        )
        assert half_way()
    finally:
        process.kill()
        process.wait()
    done = lab("up", HOST)
    assert done.returncode == 0, done.stderr
    assert not list(BASES.glob("*.tmp"))
    assert "vm8" not in {known.name for known in api.known()}
    assert not [group for group in cgroup.groups() if group.startswith("build-")]
    assert str(BASES) not in Path("/proc/mounts").read_text()


def test_down_leaves_no_trace() -> None:
    private = [*HOSTS.glob(f"{HOST}/initrd"), *HOSTS.glob(f"{HOST}/disk.qcow2")]
    assert {file.stat().st_mode & 0o077 for file in private} == {0}
    assert lab("down", HOST).returncode == 0
    assert not cgroup.running(HOST)
    assert not (HOSTS / HOST).exists()
    assert HOST not in netns.names()
    assert ports() == []
    assert spec(HOST).public not in KNOWN_HOSTS.read_text()
    assert "no namespace" in lab("exec", HOST, "true").stderr
