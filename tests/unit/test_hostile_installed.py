"""Whatever a hostile host says of what is installed on it fails that host alone, at once."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api.exceptions import FactProcessError

from facts.installed import Installed, InstalledState
from facts.reading import decode
from tests.unit.hostile import mutated
from tests.unit.kernel import answers_text
from tests.unit.observed import installed_lines

ANSWERS = decode(installed_lines("plain-deployed"))
NAMES = sorted(ANSWERS)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def read(**changed: str) -> InstalledState | str:
    """Return what the fact makes of changed answers, or its error."""
    try:
        return Installed().process(answers_text(ANSWERS | changed))
    except FactProcessError as error:
        return str(error)


@given(st.sampled_from(NAMES), st.data())
def test_any_text_in_any_answer(name: str, data: st.DataObject) -> None:
    read(**{name: data.draw(st.text() | mutated(ANSWERS[name]) | JSON.map(json.dumps))})


@given(st.sampled_from(["containers", "networks", "shim", "shim_routes"]), JSON, st.data())
def test_any_value_in_the_place_of_another(name: str, value: Any, data: st.DataObject) -> None:
    """Valid JSON of the wrong shape: every value of the real answer replaced by any other."""
    answer = json.loads(ANSWERS[name])
    place, key = data.draw(st.sampled_from(list(places(answer))))
    place[key] = value
    read(**{name: json.dumps(answer)})


def places(value: Any) -> Any:
    """Yield each container in a JSON value with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@given(st.data())
def test_a_mutated_archive(data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(ANSWERS["release"]))
    for _ in range(data.draw(st.integers(1, 8))):
        # Headers are where it hurts: they start every 512 bytes.
        block = data.draw(st.integers(0, len(raw) // 512 - 1))
        raw[block * 512 + data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(raw), 5000, 512, 511]))
    read(release=base64.b64encode(raw[:end]).decode())


def archive(**fields: Any) -> str:
    """Return an archive of one member with the given fields, and no content."""
    member = tarfile.TarInfo("file")
    for name, value in fields.items():
        setattr(member, name, value)
    block = member.tobuf(tarfile.GNU_FORMAT)
    return base64.b64encode(block + bytes(10240)).decode()


def deep() -> str:
    """Return an archive of long names, each of which names the next."""
    member = tarfile.TarInfo("n" * 200)
    long_name = member.tobuf(tarfile.GNU_FORMAT)[:1024]
    return base64.b64encode(long_name * 3000).decode()


@pytest.mark.parametrize(
    "payload",
    [
        archive(size=-512),
        archive(size=-(2**60)),
        archive(size=2**60),
        archive(size=2**40, type=tarfile.GNUTYPE_SPARSE),
        archive(size=20480),
        base64.b64encode(gzip.compress(bytes(50_000_000))).decode(),
        deep(),
        base64.b64encode(bytes(511)).decode(),
        "no base64",
    ],
    ids=["negative", "far back", "huge", "sparse", "cut", "bomb", "deep", "short", "text"],
)
def test_hostile_archives(payload: str) -> None:
    error = read(release=payload)
    assert isinstance(error, str)
    assert len(error) < 300


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("user", "", "id -u answered '': are id and base64 there?"),
        ("containers", "Error: database is locked", "podman ps answered something else"),
        ("containers", "[" * 100_000, "podman ps answered something else"),
        ("containers", '[{"Names": []}]', "podman ps answered something else at '0.Names'"),
        ("containers", "", "does not list its containers and networks: run podman ps"),
        ("networks", "", "does not list its containers and networks: run podman ps"),
        ("networks", '[{"name": 5}]', "podman network inspect answered something else at"),
        ("secrets", '[{"Spec": {"Nome": "a"}}]', "podman secret inspect answered something"),
        ("shim", '[{"flags": "UP"}]', "ip address answered something else at '0.flags"),
        ("shim_routes", "{}", "ip route answered something else"),
        ("units", "Id=onetime@7043.service\n", "systemctl show leaves out 'ActiveState'"),
    ],
)
def test_the_error_says_which_command_failed(name: str, text: str, complaint: str) -> None:
    assert complaint in str(read(**{name: text}))


def test_without_root_or_podman_there_is_nothing_to_list() -> None:
    for missing in ({"user": "1000"}, {"podman": ""}):
        seen = read(containers="", networks="", secrets="", **missing)
        assert isinstance(seen, InstalledState)
