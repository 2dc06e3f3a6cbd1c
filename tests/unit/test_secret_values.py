"""Secrets arrive byte for byte, but for what editors add around them, or are refused."""

from __future__ import annotations

import pytest

from plan.inventory.secret_values import secret_text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"\xef\xbb\xbfhunter2\r\n\r\n", "hunter2"),
        (b" spaces stay \n", " spaces stay "),
        (b"one\ntwo\n", "one\ntwo"),
        ("pässwörd €%$'\"\\".encode(), "pässwörd €%$'\"\\"),
        (b"x" * (131071 - len("KEY=")), "x" * (131071 - len("KEY="))),
    ],
)
def test_value_arrives(raw: bytes, text: str) -> None:
    assert secret_text(raw, "KEY") == text


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "holds nothing"),
        (b"\xef\xbb\xbf\r\n", "holds nothing"),
        (b"hunter\0two", "holds a NUL character"),
        (b"one\r\ntwo", "holds carriage returns"),
        (b"one\rtwo", "holds carriage returns"),
        ("hunter2".encode("utf-16"), "is no UTF-8 text"),
        (b"hunter\xff", "is no UTF-8 text"),
        (b"x" * (131072 - len("KEY=")), "is too long: 131072 bytes"),
    ],
)
def test_value_that_cannot_arrive_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        secret_text(raw, "KEY")
    assert "hunter" not in str(raised.value)
