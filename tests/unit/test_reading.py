"""The protocol between a host and its facts: what is sent arrives, and a torn answer is seen."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api.exceptions import FactProcessError

from facts.network import Network
from facts.reading import END, PRELUDE, ScriptFact, decode, script
from facts.values import Readable
from tests.unit.hostile import mutated
from tests.unit.kernel import answers_text
from tests.unit.observed import network

NAMES = st.text(st.characters(codec="ascii", exclude_categories=("C", "Z")), min_size=1)
ANSWERS = st.dictionaries(NAMES, st.text())


@given(ANSWERS)
def test_round_trip(answers: dict[str, str]) -> None:
    assert decode(answers_text(answers)) == answers


@given(ANSWERS, st.data())
def test_every_cut_is_seen(answers: dict[str, str], data: st.DataObject) -> None:
    whole = "\n".join(answers_text(answers))
    with pytest.raises(ValueError, match="cut off"):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))].split("\n"))


@given(ANSWERS, st.data())
def test_garbled_output_is_no_crash(answers: dict[str, str], data: st.DataObject) -> None:
    lines = data.draw(mutated("\n".join(answers_text(answers)))).split("\n")
    with suppress(ValueError):
        decode(lines)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "it was cut off before its end marker"),
        (["a YQ=="], "it was cut off before its end marker"),
        (["a YQ==", "a Yg==", "end-of-answers"], "'a' came twice"),
        (["a /w==", "end-of-answers"], "'a' is garbled"),
        (["a Y", "end-of-answers"], "'a' is garbled"),
        (["bash: base64: command not found", "end-of-answers"], "'bash:' is garbled"),
    ],
)
def test_error_says_what_is_wrong(lines: list[str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode(lines)


def test_what_a_shell_answers_is_read() -> None:
    """Bytes of any kind, an empty answer and a command that is not there, by a real shell."""
    body = """
      say bytes printf 'a\\tb\\n\\\\\\303\\244 end-of-answers\\n'
      say nothing true
      say gone no-such-command
    """
    done = subprocess.run(["sh", "-c", script(body)], capture_output=True, text=True, check=True)
    answers = decode(done.stdout.splitlines())
    assert answers == {"bytes": "a\tb\n\\ä end-of-answers\n", "nothing": "", "gone": ""}
    assert done.stderr == ""
    assert PRELUDE in script(body)


class _Nonsense(ScriptFact[str]):
    def command(self) -> str:
        return script("")

    def read(self, answers: Mapping[str, str]) -> str:
        return answers["missing"]


def test_missing_answer_fails_the_host_alone() -> None:
    with pytest.raises(FactProcessError, match="makes no sense: no answer 'missing'"):
        _Nonsense().process(answers_text({"other": ""}))


def test_what_is_observed_prints_as_plain_values() -> None:
    seen = network("plain")
    assert isinstance(seen, Readable)
    printed = seen.to_json()
    assert printed["routes"][1] == {
        "interface": "eth1",
        "destination": "10.0.0.0/24",
        "gateway": None,
        "metric": 0,
    }
    assert printed["addresses"] == ["10.0.0.15", "203.0.113.15"]
    assert Network.__doc__


def test_empty_lines_between_answers_are_nothing() -> None:
    assert decode(["", "a YQ==", "  ", END]) == {"a": "a"}
