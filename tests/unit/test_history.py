"""What a host has written down of its changes is read whole, or refused."""

from __future__ import annotations

import pytest
from pyinfra.api.exceptions import FactProcessError

from facts.history import History, PastChange
from tests.unit.kernel import answers_text

LINE = (
    '{"schema": 1, "at": "2026-11-30T20:00:00Z", "operator": "me@here", "from": 3, "to": 4, '
    '"plan": "p26040258d96", "outcome": "went back", "seconds": 41, '
    '"reason": "instance 7043 did not become healthy"}\n'
)


def read(text: str) -> tuple[PastChange, ...]:
    changes: tuple[PastChange, ...] = History().process(answers_text({"history": text}))
    return changes


def test_changes_are_read_in_their_order() -> None:
    first, second = read(LINE + LINE.replace('"to": 4', '"to": 5'))
    reason = "instance 7043 did not become healthy"
    assert first == PastChange(
        "2026-11-30T20:00:00Z", "me@here", 3, 4, "p26040258d96", "went back", 41, reason
    )
    assert second.to == 5


def test_host_without_a_change_has_no_history() -> None:
    assert read("") == ()
    assert "cat /etc/onetime/history" in History().command()


@pytest.mark.parametrize("text", ["nonsense\n", LINE[:40], LINE.replace("41", '"x"')])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(FactProcessError):
        read(text)
