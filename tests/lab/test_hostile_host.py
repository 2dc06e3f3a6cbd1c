"""A host that lies, stammers or says nothing is told clearly, and no host is touched."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from facts.text import printable
from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, snapshot, ssh, started
from tests.lab.refusals import OTHER_RANGE, RANGE

LANE = "plain14"
BAD, GOOD = "plain14", "plain19"
TRICK = "/usr/local/bin/{}"  # comes first on the host's PATH

# A command of the host's that is replaced, what it does instead, and what the operator is told.
TRICKS: dict[str, tuple[str, str, str]] = {
    "garbage for routes": (
        "cat",
        'case "$*" in *net/route) echo rubbish ;; *) exec /bin/cat "$@" ;; esac',
        "/proc/net/route is empty or does not start as the kernel writes it",
    ),
    "routes cut off in a line": (
        "cat",
        'case "$*" in *net/route) head -c 300 "$1" ;; *) exec /bin/cat "$@" ;; esac',
        "/proc/net/route is cut off in its last line",
    ),
    "routes with a bad field": (
        "cat",
        """case "$*" in *net/route) sed 's/0000000A/zz/' "$1" ;; *) exec /bin/cat "$@" ;; esac""",
        "/proc/net/route, line 3: 'zz' is no address",
    ),
    "no interfaces": (
        "cat",
        'case "$*" in *net/dev) head -n 2 "$1" ;; *) exec /bin/cat "$@" ;; esac',
        "/proc/net/dev lists no interface, not even lo",
    ),
    "addresses of another planet": (
        "cat",
        'case "$*" in *fib_trie) head -c 4096 /dev/urandom ;; *) exec /bin/cat "$@" ;; esac',
        "'fib_trie' is garbled",
    ),
    "addresses cut off": (
        "cat",
        'case "$*" in *fib_trie) head -n 8 "$1" ;; *) exec /bin/cat "$@" ;; esac',
        "/proc/net/fib_trie holds no loopback address: it is cut off",
    ),
    "no base64": ("base64", "exit 1", "id -u answered '': are id and base64 there?"),
    "base64 of its own": ("base64", "echo 'a b c!'", "'user' is garbled"),
    "Podman is broken": (
        "podman",
        'case "$1" in --version) exec /usr/bin/podman "$@" ;; *) exit 125 ;; esac',
        "Podman is there and does not list its containers and networks: run podman ps",
    ),
    "Podman speaks in tongues": (
        "podman",
        """case "$1" in ps) echo '[{"Names": "x"}]' ;; *) exec /usr/bin/podman "$@" ;; esac""",
        "podman ps answered something else at '0.Names'",
    ),
    "Podman digs deep": (
        "podman",
        "case \"$1\" in ps) head -c 200000 /dev/zero | tr '\\\\0' '[' ;; "
        '*) exec /usr/bin/podman "$@" ;; esac',
        "podman ps answered something else",
    ),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    site = fresh(BAD, GOOD)
    site.by_host = {BAD: {"container_range": RANGE}, GOOD: {"container_range": OTHER_RANGE}}
    return site


@pytest.fixture
def trick(request: pytest.FixtureRequest) -> Iterator[str]:
    """Play a trick on the host; return what the operator is to be told."""
    command, does, told = TRICKS[request.param]
    path = TRICK.format(command)
    ssh(BAD, f"printf '#!/bin/sh\\n%s\\n' '{_quoted(does)}' > {path}; chmod +x {path}")
    yield told
    ssh(BAD, f"/bin/rm {path}")


def _quoted(script: str) -> str:
    return script.replace("'", "'\\''")


@pytest.mark.parametrize("trick", TRICKS, indirect=True)
def test_hostile_host_stops_the_run_unless_it_is_left_out(site: Site, trick: str) -> None:
    before = snapshot(BAD)
    # Every run has something to do on the good host.
    left = "7044" in "".join(started(GOOD))
    site.everywhere = {"instances": [7043] if left else [7043, 7044]}
    untouched = snapshot(GOOD)
    run = site.deploy()
    assert run.code != 0
    assert f"  - {BAD}: connection: it cannot be observed" in run.output
    assert snapshot(GOOD) == untouched
    told = [line for line in run.output.splitlines() if f"[{BAD}]" in line and trick in line]
    assert len(told) == 1, run.output
    assert told[0].isprintable()
    assert "the host's answer makes no sense: " in told[0]
    assert site.deploy("--limit", GOOD).code == 0
    assert set(started(GOOD)) == {f"onetime-{port}" for port in site.everywhere["instances"]}
    assert snapshot(BAD) == before


# What the host does instead of an answer, and what the operator is told of it.
ENDLESS = {
    "says nothing": (
        'case "$1" in ps) sleep 600 ;; *) exec /usr/bin/podman "$@" ;; esac',
        "nothing was heard for 60 seconds, and it has not ended",
    ),
    "says too much": (
        'case "$1" in ps) head -c 200M /dev/urandom ;; *) exec /usr/bin/podman "$@" ;; esac',
        "more than 16 MiB came as an answer",
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_host_without_an_end_is_named_and_left(site: Site, kind: str) -> None:
    does, told = ENDLESS[kind]
    path = TRICK.format("podman")
    ssh(BAD, f"printf '#!/bin/sh\\n%s\\n' '{_quoted(does)}' > {path}; chmod +x {path}")
    before = time.monotonic()
    run = site.deploy()
    ssh(BAD, f"/bin/rm {path}")
    assert run.code != 0
    assert f"[{BAD}] {told}" in run.output
    assert f"[{BAD}] Error: could not load fact: facts.installed.Installed" in run.output
    assert f"  - {BAD}: connection: it cannot be observed" in run.output
    assert time.monotonic() - before < 120


def test_host_that_vanishes_is_named_and_left(site: Site) -> None:
    """Its packets are dropped from the moment when it is asked."""
    path = TRICK.format("podman")
    drops = (
        "nft 'table inet gone { chain out { type filter hook output priority 0; "
        "ip saddr 203.0.113.0/24 drop; }; }'"
    )
    ssh(
        BAD,
        f"printf '#!/bin/sh\\n%s\\n' '{_quoted(drops)}' > {path}; chmod +x {path}; "
        f"systemd-run --quiet --unit back sh -c 'sleep 150; nft delete table inet gone; rm {path}'",
    )
    before = time.monotonic()
    run = site.deploy()
    assert run.code != 0
    assert f"  - {BAD}: connection: it cannot be observed" in run.output
    assert time.monotonic() - before < 140
    while api.ssh(BAD, f"[ ! -e {path} ]").returncode != 0:
        assert time.monotonic() - before < 300


def test_texts_of_a_host_do_not_act_on_the_terminal(site: Site) -> None:
    site.everywhere = {}
    assert site.deploy().code == 0
    release = "/etc/onetime/current/quadlet"
    evil = r"\033]0;title\007\revery path answers\033[2J"
    ssh(
        BAD,
        f"printf '{evil}' >> {release}/onetime@.container; touch \"$(printf '{release}/a{evil}')\"",
    )
    run = site.pyinfra("deploy.py", "--dry", "--diff")
    assert "\\x1b]0;title\\x07\\revery path answers" in run.output
    assert not [line for line in run.output.splitlines() if not _harmless(line)]
    assert site.deploy().code == 0


def _harmless(line: str) -> bool:
    """Tell whether a line holds nothing but text, and the colours that pyinfra gives it."""
    return printable(line) == re.sub(r"\x1b\[[0-9;]*m", "", line)


def test_without_tricks_the_host_is_deployed(site: Site) -> None:
    site.everywhere = {}
    site.deploy_twice()
    assert len(started(BAD)) == 2
