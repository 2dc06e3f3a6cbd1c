"""The lab's app image, run by Podman on a real host."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab import api
from lab.shell import wait_until

pytestmark = pytest.mark.alone

HOST = "plain16"
ADDRESS = "203.0.113.26"
VARIANTS = ("1", "2", "exits", "never-healthy", "dies")
ASK = "wget -q -O /dev/null http://127.0.0.1:3000/api/v2/status"


@pytest.fixture(scope="module", autouse=True)
def host() -> Iterator[None]:
    """A host with every variant of the image, where the first one listens on port 8000."""
    api.up(HOST)
    for tag in VARIANTS:
        loaded = api.ssh(HOST, "podman load -q", stdin=api.image_archive(tag))
        assert loaded.stdout == f"Loaded image: localhost/onetime-lab:{tag}\n", loaded
    run("app", "-p 8000:3000 --hostname first -e ONETIME_TEST_WORDS='two words'", "1")
    wait_until(lambda: get("/whoami").startswith("client="), what="the app", seconds=10)
    yield
    api.down(HOST)


def answer(command: str) -> str:
    done = api.ssh(HOST, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(name: str, options: str, tag: str) -> None:
    answer(f"podman run -d --name {name} {options} localhost/onetime-lab:{tag}")


def get(path: str, port: int = 8000) -> str:
    """What the published port answers to the machine; nothing if there is no 200."""
    done = subprocess.run(
        ["curl", "-sf", "-m", "5", f"http://{ADDRESS}:{port}{path}"],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout


def code(path: str, port: int = 8000) -> str:
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://{ADDRESS}:{port}{path}"],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout


def state(name: str) -> str:
    return answer(f"podman inspect -f '{{{{.State.Status}}}}' {name}")


def test_app_says_who_asks_and_who_answers() -> None:
    said = get("/whoami")
    assert re.search(r"^client=[\d.]+$", said, flags=re.MULTILINE)
    own = re.search(r"^container=(\S+)$", said, flags=re.MULTILINE)
    assert own
    assert own[1] == answer("podman inspect -f '{{.NetworkSettings.IPAddress}}' app")
    assert {"instance=first", "version=1", "env ONETIME_TEST_WORDS=two words"} <= set(
        said.splitlines()
    )
    assert code("/nothing") == "404"


def test_app_is_healthy_exactly_while_its_database_answers() -> None:
    assert code("/api/v2/status") == "200"
    answer(f"podman exec app {ASK}")
    run("lost", "-p 8001:3000 -e DB_PORT=1", "1")
    run("nameless", "-p 8002:3000 -e DB_HOST=nowhere", "1")
    run("moved", "-p 8003:4000 -e PORT=4000 -e DB_HOST=10.0.0.10", "1")
    wait_until(lambda: code("/api/v2/status", 8003) == "200", what="the moved app", seconds=10)
    assert code("/api/v2/status", 8001) == "503"
    assert code("/api/v2/status", 8002) == "503"
    assert api.ssh(HOST, f"podman exec lost {ASK}").returncode != 0


def test_app_serves_many_at_once() -> None:
    with ExitStack() as stack:
        for _ in range(50):  # say nothing, and keep the connection
            stack.enter_context(socket.create_connection((ADDRESS, 8000), timeout=5))
        started = time.monotonic()
        assert code("/api/v2/status") == "200"
        assert time.monotonic() - started < 2


def test_app_stops_at_once() -> None:
    run("brief", "", "1")
    took = answer(
        "start=$(date +%s%N); podman stop brief >&2; echo $((($(date +%s%N)-start)/1000000))"
    )
    assert int(took) < 1000
    assert answer("podman inspect -f '{{.State.ExitCode}}' brief") == "0"


def test_app_reaches_the_database_and_the_outside() -> None:
    assert answer("podman exec app wget -q -O - http://198.51.100.10/") == f"client={ADDRESS}"
    asked = "podman exec app sh -c '(echo PING; echo QUIT) | nc -w 2 maindb 6379'"
    assert "PONG" in answer(asked)


def test_variants_are_what_they_are_called() -> None:
    run("second", "-p 8004:3000", "2")
    run("never", "-p 8005:3000", "never-healthy")
    run("dies", "-p 8006:3000", "dies")
    assert api.ssh(HOST, "podman run --rm localhost/onetime-lab:exits").returncode == 1
    wait_until(lambda: code("/api/v2/status", 8006) == "200", what="dies to be well", seconds=10)
    assert "version=2" in get("/whoami", 8004)
    assert code("/api/v2/status", 8005) == "503"
    assert code("/whoami", 8005) == "200"
    wait_until(lambda: state("dies") == "exited", what="dies to die", seconds=15)
