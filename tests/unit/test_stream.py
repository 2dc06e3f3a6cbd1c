"""What comes from a host line by line, and what an operator has typed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout import command_line, concealed
from rollout.command_line import is_dry, remember, typed
from rollout.concealed import conceal
from rollout.stream import harmless, whole_lines


@given(st.lists(st.binary(max_size=5)))
def test_lines_are_whole_whatever_pieces_they_come_in(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    expected = text.decode(errors="backslashreplace").removesuffix("\n")
    assert "\n".join(whole_lines(pieces)) == expected


def test_line_without_end_comes_in_pieces() -> None:
    pieces = list(whole_lines([b"x" * (1 << 16)] * 40))
    assert "".join(pieces) == "x" * (40 << 16)
    assert max(map(len, pieces)) <= (1 << 20) + (1 << 16)


@pytest.fixture
def run() -> Iterator[None]:
    """Forget what a run remembers, as the next one does."""
    yield
    concealed._concealed.clear()
    command_line._params.update(data=(), dry=False)


@pytest.mark.usefixtures("run")
def test_line_is_harmless_and_shows_no_secret() -> None:
    conceal(["tok3n-tok3n"])
    assert harmless("\x1b[31mred\x1b[0m\x1b]0;x\x07 tok3n-tok3n") == "red\\x1b]0;x\\x07 *****"


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("value", ["007", "1.50", "true", '{"a":  1}', '"x"', "a=b", "", " "])
def test_value_stays_as_it_was_typed(value: str) -> None:
    remember({"data": ("grep=other", f"grep={value}"), "dry": True})
    assert typed() == {"grep": value}
    assert is_dry()
