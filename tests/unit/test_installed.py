"""What the deploy has made of a host is read back as it was written."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts import podman
from facts.installed import Installed
from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.release import About, Entry, parse_release, parse_releases
from facts.shim import Shim, parse_shim
from plan.host import installed_addresses
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
            st.integers(0),
            st.integers(0),
            st.lists(st.integers(0, 65535)).map(tuple),
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
            "StartedAt": one.started_at,
            "Pid": one.pid,
            "Mounts": None,
            # One without a network of its own shows the ports of the one that it has it from.
            "Networks": ["onetime-publish"] if one.ports else [],
            "Ports": [{"host_port": port, "host_ip": ""} for port in one.ports or (7043,)],
        }
        for one in containers
    ]
    assert podman.parse_containers(json.dumps(items)) == {one.name: one for one in containers}


@given(
    st.lists(
        st.builds(
            PodmanNetwork, TEXT, TEXT, st.none() | TEXT, st.lists(NETWORKS).map(tuple), CONFIG
        ),
        unique_by=lambda one: one.name,
    ),
    LABELS,
)
def test_networks(networks: list[PodmanNetwork], labels: dict[str, str] | None) -> None:
    items = []
    for one in networks:
        item = {"name": one.name, "driver": one.driver, "labels": labelled(labels, one.config)}
        if one.interface is not None:
            item["network_interface"] = one.interface
        subnets = [{"subnet": str(subnet), "gateway": "x"} for subnet in one.subnets]
        items.append({**item, "subnets": [*subnets, {"subnet": "fd00::/64"}]})
    assert podman.parse_networks(json.dumps(items)) == {one.name: one for one in networks}


@given(TEXT, CONFIG)
def test_secrets(name: str, config: str | None) -> None:
    spec = {"Name": name, "Labels": labelled(None, config), "Driver": {}}
    (secret,) = podman.parse_secrets(json.dumps([{"Spec": spec, "UpdatedAt": "x"}])).values()
    assert secret == PodmanSecret(name, config)


@given(st.dictionaries(st.integers(1, 10**6), st.sampled_from(["", "a b c", "a b", "a b c d"])))
def test_releases_are_known_by_their_descriptions(abouts: dict[int, str]) -> None:
    listing = "\n".join([*map(str, abouts), "stray", "7x"])
    told = "\n".join(f"{number} {about}" for number, about in abouts.items() if about)
    releases = parse_releases(listing, told)
    assert list(releases) == sorted(abouts)
    for number, about in abouts.items():
        known = releases[number] == About("a", "b", "c")
        assert known == (about == "a b c")


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


PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=60)
FILES = st.builds(Entry, content=TEXT, target=st.none(), mode=st.integers(0, 0o777))
LINKS = st.builds(Entry, content=st.none(), target=PATHS)


@given(
    st.dictionaries(PATHS, FILES | LINKS), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
)
def test_release(entries: dict[str, Entry], form: int) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for path, entry in entries.items():
            member = tarfile.TarInfo(path)
            if entry.target is not None:
                member.type, member.linkname = tarfile.SYMTYPE, entry.target
                archive.addfile(member)
            else:
                data = (entry.content or "").encode()
                member.size, member.mode = len(data), entry.mode
                archive.addfile(member, io.BytesIO(data))
    assert parse_release(base64.b64encode(packed.getvalue()).decode()) == {
        path.removeprefix("./"): entry for path, entry in entries.items()
    }


def test_release_as_tar_packs_it(tmp_path: Path) -> None:
    (tmp_path / "quadlet").mkdir()
    (tmp_path / "environment").write_text("A=ä\n")
    (tmp_path / "environment").chmod(0o600)
    (tmp_path / "binary").write_bytes(b"\xff\n")
    (tmp_path / "quadlet/onetime@7043.container").symlink_to("onetime@.container")
    packed = subprocess.run(["tar", "-cf", "-", "."], cwd=tmp_path, capture_output=True, check=True)
    entries = parse_release(base64.b64encode(packed.stdout).decode())
    assert entries["environment"] == Entry(content="A=ä\n", mode=0o600)
    assert entries["quadlet/onetime@7043.container"] == Entry(target="onetime@.container")
    assert entries["binary"].content == "\N{REPLACEMENT CHARACTER}\n"
    assert set(entries) == {"environment", "binary", "quadlet/onetime@7043.container"}
    assert "A=" not in str(entries["environment"].to_json())


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


def test_a_host_before_and_after_a_deploy() -> None:
    before = Installed().process(installed_lines("plain"))
    assert (before.root, before.podman, before.image_id) == (True, (5, 4, 2), None)
    assert (before.containers, before.release, before.links, before.shim) == ({}, {}, {}, None)
    assert set(before.networks) == {"podman"}

    after = Installed().process(installed_lines("plain-deployed"))
    assert set(after.containers) == {"onetime-7043", "onetime-7044"}
    assert all(one.running and one.config for one in after.containers.values())
    assert {name: one.driver for name, one in after.networks.items()} == {
        "podman": "bridge",
        "onetime-publish": "bridge",
        "onetime": "macvlan",
    }
    assert after.units["onetime@7043.service"] == "active"
    assert after.links["/etc/onetime/current"] == "releases/1"
    assert after.shim is not None
    assert after.shim.addresses == {"10.0.0.112/32"}
    assert set(installed_addresses(after).values()) == {
        IPv4Address("10.0.0.113"),
        IPv4Address("10.0.0.115"),
    }
