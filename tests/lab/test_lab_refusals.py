"""What the lab refuses: one clear sentence, exit code 2, nothing done."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
LAB = (sys.executable, "-m", "lab")
NO_APT_SOURCES = 'Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "/dev/null";'


def refusal(*argv: str, env: dict[str, str] | None = None) -> str:
    """Run a command that must be refused; its one sentence."""
    done = subprocess.run(
        argv,
        check=False,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done
    assert not done.stdout
    assert done.stderr.startswith("lab: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["up", "cubic"], "no shape 'cubic'"),
        (["up", "plain=0"], "1 or more"),
        (["up", "plain=two"], "1 or more"),
        (["up", "plain=99"], "at most 19 hosts of shape plain"),
        (["up", "plain0"], "'plain0' is no host's name"),
        (["down", "plain17"], "no host 'plain17'"),
        (["down", "../plain1"], "no host '../plain1'"),
        (["reboot", "plain17"], "no host 'plain17'"),
        (["ssh", "plain17", "true"], "no host 'plain17'"),
        (["exec", "nowhere", "true"], "no namespace 'nowhere'"),
    ],
)
def test_unknown_names(arguments: list[str], words: str) -> None:
    assert words in refusal(*LAB, *arguments)


def test_anyone_but_root() -> None:
    # In a user namespace without any mapping, root is nobody.
    for arguments in (["up"], ["down"], ["reboot", "plain1"], ["exec", "outside", "true"]):
        assert "must be run as root" in refusal("unshare", "--user", *LAB, *arguments)


def test_machine_that_cannot_make_macvlan_interfaces() -> None:
    powerless = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
    assert "cannot make macvlan interfaces" in refusal(*powerless, *LAB, "up")


def test_machine_that_uses_the_public_network_itself() -> None:
    elsewhere = (
        "ip link add there type veth && ip link set there up"
        ' && ip address add 203.0.113.77/24 dev there && exec "$@"'
    )
    command = ("unshare", "--net", "sh", "-c", elsewhere, "sh", *LAB, "up")
    assert "already uses 203.0.113.0/24" in refusal(*command)


def test_apt_without_a_debian_mirror(tmp_path: Path) -> None:
    settings = tmp_path / "apt.conf"
    settings.write_text(NO_APT_SOURCES)
    ask = (
        "import sys; from lab import machine, shell\n"
        "try: machine.debian_mirror()\n"
        "except shell.RefusalError as error: print('lab:', error, file=sys.stderr); sys.exit(2)"
    )
    env = {"APT_CONFIG": str(settings), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    assert "no Debian mirror" in refusal(sys.executable, "-c", ask, env=env)
