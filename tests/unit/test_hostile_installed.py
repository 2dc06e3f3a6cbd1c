"""Whatever a hostile host says of what is installed on it fails that host alone, at once."""

from __future__ import annotations

import base64
import json
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


@given(st.sampled_from(["entries", "digests"]), st.data())
def test_mutated_list_of_files(name: str, data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(ANSWERS[name]))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(raw)))
    read(**{name: base64.b64encode(raw[:end]).decode()})


@pytest.mark.parametrize("name", ["entries", "digests"])
@pytest.mark.parametrize("payload", [b"x" * 1_000_000 + b"\0", b"\0" * 1_000_001, b"f 644 \0\0"])
def test_hostile_list_of_files_is_told_in_few_words(name: str, payload: bytes) -> None:
    error = read(**{name: base64.b64encode(payload).decode()})
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
        ("networks", '[{"name": 5}]', "podman network ls answered something else at"),
        ("secrets", '[{"Spec": {"Nome": "a"}}]', "podman secret inspect answered something"),
        ("shim", '[{"flags": "UP"}]', "ip address answered something else at '0.flags"),
        ("shim_routes", "{}", "ip route answered something else"),
        ("ruleset", "table ip x {", "the ruleset was read as 'table ip x {'"),
        ("units", "Id=onetime@7043.service\n", "systemctl show leaves out 'ActiveState'"),
    ],
)
def test_error_says_which_command_failed(name: str, text: str, complaint: str) -> None:
    assert complaint in str(read(**{name: text}))


def test_host_without_root_or_podman_lists_nothing() -> None:
    for missing in ({"user": "1000"}, {"podman": ""}):
        seen = read(containers="", networks="", secrets="", **missing)
        assert isinstance(seen, InstalledState)
