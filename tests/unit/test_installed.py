"""What the deploy has made of a host is read back as it was written."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts import podman
from facts.installed import Installed
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.reading import decode, filled, script
from facts.release import RELEASE, About, Entry, parse_entries, parse_releases
from facts.shim import Shim, parse_shim
from plan.release.address_drop_ins import read_addresses
from tests.unit.kernel import answers_text
from tests.unit.observed import installed_lines

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))
LABELS = st.none() | st.dictionaries(TEXT, TEXT)
CONFIG = st.none() | TEXT
NETWORKS = st.builds(
    lambda number, prefix: IPv4Network((number, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


def labelled(others: dict[str, str] | None, config: str | None) -> dict[str, str] | None:
    rest = {key: value for key, value in (others or {}).items() if key != "onetime.config"}
    return rest | {"onetime.config": config} if config is not None else rest or None


@given(
    st.lists(
        st.builds(
            Container,
            TEXT,
            st.booleans(),
            CONFIG,
        ),
        unique_by=lambda one: one.name,
    ),
    LABELS,
)
def test_containers(containers: list[Container], labels: dict[str, str] | None) -> None:
    items = [
        {
            "Names": [one.name, "alias"],
            "State": "running" if one.running else "exited",
            "Labels": labelled(labels, one.config),
            "StartedAt": 1_700_000_000,
            "Pid": 4711,
            "Mounts": None,
            "Networks": ["onetime-publish"],
            "Ports": [],
        }
        for one in containers
    ]
    assert podman.parse_containers(json.dumps(items)) == {one.name: one for one in containers}


@given(
    st.lists(
        st.builds(PodmanNetwork, TEXT, st.lists(NETWORKS).map(tuple), CONFIG),
        unique_by=lambda one: one.name,
    ),
    LABELS,
)
def test_networks(networks: list[PodmanNetwork], labels: dict[str, str] | None) -> None:
    items = []
    for one in networks:
        item = {"name": one.name, "driver": "bridge", "labels": labelled(labels, one.config)}
        subnets = [{"subnet": str(subnet), "gateway": "x"} for subnet in one.subnets]
        items.append({**item, "subnets": [*subnets, {"subnet": "fd00::/64"}]})
    assert podman.parse_networks(json.dumps(items)) == {one.name: one for one in networks}


@given(TEXT, CONFIG)
def test_secrets(name: str, config: str | None) -> None:
    spec = {"Name": name, "Labels": labelled(None, config), "Driver": {}}
    (secret,) = podman.parse_secrets(json.dumps([{"Spec": spec, "UpdatedAt": "x"}])).values()
    assert secret == PodmanSecret(name, config)


@given(
    st.dictionaries(
        st.integers(1, 10**6), st.sampled_from(["", "a b c", "a b", "a b d c", "a b d c e"])
    )
)
def test_releases_are_known_by_their_descriptions(abouts: dict[int, str]) -> None:
    listing = "\n".join([*map(str, abouts), "stray", "7x"])
    told = "\n".join(f"{number} {about}" for number, about in abouts.items() if about)
    releases = parse_releases(listing, told)
    assert list(releases) == sorted(abouts)
    for number, about in abouts.items():
        known = {"a b c": About("a", "b", "c"), "a b d c": About("a", "b", "c", "d")}
        assert releases[number] == known.get(about, releases[number])
        assert (releases[number].operator == "b") == (about in known)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.4.2\n", (5, 4, 2)),
        ("5.3\n", (5, 3, 0)),
        ("5.8.0-dev\n", (5, 8, 0)),
        ("6.0.0-rc1", (6, 0, 0)),
        ("", None),
        ("podman", None),
    ],
)
def test_version(text: str, version: tuple[int, ...] | None) -> None:
    assert podman.parse_version(text) == version


DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)
FILES = st.builds(Entry, digest=DIGESTS, target=st.none(), mode=st.integers(0, 0o7777))
LINKS = st.builds(Entry, digest=st.none(), target=PATHS, mode=st.none())


def packed(*parts: str) -> str:
    return base64.b64encode("".join(f"{part}\0" for part in parts).encode()).decode()


@given(st.dictionaries(PATHS, FILES | LINKS))
def test_entries_are_read_whatever_they_are_called(entries: dict[str, Entry]) -> None:
    listing: list[str] = []
    for path, entry in entries.items():
        if entry.target is not None:
            listing += [f"l 777 {path}", entry.target]
        else:
            listing += [f"f {entry.mode:o} {path}", ""]
    sums = [f"{entry.digest}  ./{path}" for path, entry in entries.items() if entry.digest]
    assert parse_entries(packed(*listing), packed(*sums)) == entries


@pytest.mark.parametrize(
    ("listing", "sums", "message"),
    [
        (packed("f 644 x"), "", "is cut off"),
        (packed("d 755 x", ""), "", "find printed 'd 755 x'"),
        (packed("f 844 x", ""), "", "find printed 'f 844 x'"),
        (packed("f 644", ""), "", "find printed 'f 644'"),
        ("", packed("xyz  ./x"), "sha256sum printed 'xyz  ./x'"),
        ("", packed(f"{'0' * 64} *x"), "sha256sum printed"),
        ("?", "", "base64"),
    ],
)
def test_entries_that_no_program_printed_are_refused(listing: str, sums: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_entries(listing, sums)


def test_entries_as_the_hosts_own_programs_print_them(tmp_path: Path) -> None:
    """The question itself, on a release in a directory, with names that no deploy gives."""
    current = tmp_path / "current"
    (current / "quadlet").mkdir(parents=True)
    (current / "about").write_text("never the same")
    (current / "environment").write_text("A=ä\n")
    (current / "environment").chmod(0o600)
    (current / "binary\nname").write_bytes(b"\xff\0\n")
    (current / "quadlet/onetime@7043.container").symlink_to("onetime@.container")
    question = filled(RELEASE.question, {"CURRENT": str(current), "RELEASES": str(tmp_path)})
    done = subprocess.run(
        ["bash", "-c", script(question)], capture_output=True, text=True, check=True
    )
    state = RELEASE.parse(decode(done.stdout.splitlines()))
    assert state.entries == {
        "environment": Entry(digest=hashlib.sha256("A=ä\n".encode()).hexdigest(), mode=0o600),
        "binary\nname": Entry(digest=hashlib.sha256(b"\xff\0\n").hexdigest(), mode=0o644),
        "quadlet/onetime@7043.container": Entry(target="onetime@.container"),
    }
    assert "A=" not in str(state.to_json())


def test_shim() -> None:
    """Written from what `ip -json` of iproute2 6.15 printed."""
    link = (
        '[{},{"ifindex":4,"link":"eth1","ifname":"macvlan0","flags":["BROADCAST","UP"],'
        '"address":"02:00:0a:00:00:80","linkinfo":{"info_kind":"macvlan","info_data":{}},'
        '"addr_info":[{"family":"inet","local":"10.0.0.128","prefixlen":32},'
        '{"family":"inet6","local":"fe80::1","prefixlen":64}]}]'
    )
    routes = '[{"dst":"10.0.0.128/27","prefsrc":"10.0.0.128","flags":[]},{"dst":"10.9.9.9"}]'
    assert parse_shim(link, routes) == Shim(
        interface="macvlan0",
        parent="eth1",
        kind="macvlan",
        mac="02:00:0a:00:00:80",
        up=True,
        addresses=frozenset({"10.0.0.128/32"}),
        routes=frozenset({"10.0.0.128/27 src 10.0.0.128", "10.9.9.9 src None"}),
    )
    assert parse_shim("", "") is None
    assert parse_shim("[{}]", "[]") is None


def test_space_that_df_cannot_tell_is_not_known() -> None:
    answers = decode(installed_lines("plain")) | {"space": "file avail\n/etc -\n/var 5\n"}
    assert Installed().process(answers_text(answers)).kernel.space == {"/var": 5}


def test_host_before_and_after_a_deploy() -> None:
    before = Installed().process(installed_lines("plain"))
    assert (before.kernel.root, before.podman.version) == (True, (5, 4, 2))
    assert (before.podman.images, before.podman.containers, before.shim) == ({}, {}, None)
    assert (before.systemd.links, before.release.entries, before.release.kept) == ({}, {}, {})
    assert set(before.podman.networks) == {"podman"}

    after = Installed().process(installed_lines("plain-deployed"))
    assert set(after.podman.containers) == {"onetime-7043", "onetime-7044"}
    assert all(one.running and one.config for one in after.podman.containers.values())
    assert set(after.podman.networks) == {"podman", "onetime-publish", "onetime"}
    assert set(after.podman.images) == {"localhost/onetime-lab:1"}
    assert after.systemd.units["onetime@7043.service"] == "active"
    assert after.systemd.links["/etc/onetime/current"] == "releases/1"
    assert set(after.release.kept) == {1}
    assert after.release.entries["environment"].mode == 0o600
    assert after.podman.unguarded == frozenset()
    chains = (
        *("published", "published_own", "postrouting", "forward", "input", "own", "guard", "cards"),
    )
    assert set(after.firewall.rules) == {f"ip onetime {chain}" for chain in chains}
    assert after.shim is not None
    assert after.shim.addresses == {"10.0.0.56/32"}
    assert set(read_addresses(after.release.drop_ins).values()) == {
        IPv4Address("10.0.0.57"),
        IPv4Address("10.0.0.59"),
    }


def test_quiet_host_is_told_in_few_bytes() -> None:
    """What a run without changes reads: a quarter of what the release's files take."""
    assert sum(map(len, installed_lines("plain-deployed"))) < 22_000
