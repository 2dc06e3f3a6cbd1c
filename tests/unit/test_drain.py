"""A host that is drained is known as such, and what is left to do follows from what is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api.exceptions import FactProcessError

from facts.gates import Drain, Gates, GatesState
from facts.reading import decode
from plan.compare.verdicts import question
from plan.drain import (
    behind_gates,
    check_able,
    is_by_hand,
    is_rebooted,
    is_to_close,
    is_to_open,
)
from plan.problems import PlanError
from tests.unit.kernel import answers_text
from tests.unit.observed import FIXTURES
from tests.unit.planned import observed, plan_one

CAPTURED = (FIXTURES / "gates").read_text().splitlines()
ANSWERS = decode(CAPTURED)
PORTS = frozenset({7043, 7044})
BOOT, NEXT = "3a1e1c0d-5a0b-4a5c-9a53-0d3b54d3a1f0", "9f2c6f1e-24a7-4c56-8a57-5a4f5f0c7d11"
BY_HAND = Drain("2026-11-30T20:00:00Z", "me@here", "")
FOR_REBOOT = replace(BY_HAND, boot=BOOT)


def gates(**fields: Any) -> GatesState:
    """Return the gates of a host that serves."""
    state = GatesState(
        current=3,
        able=True,
        drain=None,
        boot=BOOT,
        ports=PORTS,
        closed=frozenset(),
        running=PORTS,
    )
    return replace(state, **fields)


def read(**changed: str) -> GatesState:
    state: GatesState = Gates().process(answers_text(ANSWERS | changed))
    return state


def test_answer_of_a_real_host_is_read() -> None:
    assert "say tables nft list tables" in Gates().command()
    seen = read()
    assert (seen.able, seen.ports, seen.closed, seen.running) == (True, PORTS, PORTS, PORTS)
    assert seen.current is not None
    assert seen.drain == Drain("2026-11-30T19:56:49Z", "me@here", "")


def test_host_without_anything_is_read() -> None:
    nothing = dict.fromkeys(ANSWERS, "") | {"boot": f"{BOOT}\n"}
    assert Gates().process(answers_text(nothing)) == gates(
        current=None, able=False, ports=frozenset(), running=frozenset()
    )


@pytest.mark.parametrize(
    ("text", "drain"),
    [
        ("drained 2026-11-30T20:00:00Z me@here\n", BY_HAND),
        (f"drained 2026-11-30T20:00:00Z me@here {BOOT}\n", FOR_REBOOT),
        ("drained \n", Drain("an unknown time", "nobody known", "")),
        ("drained \x1b[2Jnow\n", Drain(r"\x1b[2Jnow", "nobody known", "")),
        ("", None),
    ],
)
def test_file_of_a_drained_host_is_read(text: str, drain: Drain | None) -> None:
    assert read(drained=text).drain == drain


def test_drain_is_told_in_a_few_words() -> None:
    assert str(BY_HAND) == "drained since 2026-11-30T20:00:00Z by me@here"
    assert str(FOR_REBOOT) == "drained since 2026-11-30T20:00:00Z by me@here for a reboot"


def test_boot_that_is_none_is_refused() -> None:
    with pytest.raises(FactProcessError, match="boot ID"):
        read(boot="\x1b[2J")


@given(st.sampled_from(sorted(ANSWERS)), st.text())
def test_any_text_in_any_answer(name: str, text: str) -> None:
    try:
        read(**{name: text})
    except FactProcessError as error:
        assert "makes no sense" in str(error)  # noqa: PT017 - the answer may as well be read


@pytest.mark.parametrize(
    ("seen", "to_close", "to_open"),
    [
        (gates(), True, False),
        (gates(drain=BY_HAND, closed=PORTS), False, True),
        # One gate is gone, a firewall's reload may have taken it.
        (gates(drain=BY_HAND, closed=frozenset({7043})), True, True),
        # A drain for a reboot becomes one that lasts.
        (gates(drain=FOR_REBOOT, closed=PORTS), True, True),
        # What a run that was killed while it opened gates has left.
        (gates(closed=frozenset({7044})), True, True),
        # The gate of an instance that does not run is closed as it should be.
        (gates(closed=frozenset({7044}), running=frozenset({7043})), True, False),
        (gates(closed=frozenset({7050}), running=PORTS | {7050}), True, False),
    ],
)
def test_what_is_to_do_follows_from_the_gates(
    seen: GatesState, to_close: bool, to_open: bool
) -> None:
    assert (is_to_close(seen), is_to_open(seen)) == (to_close, to_open)


@pytest.mark.parametrize(
    ("drain", "boot", "by_hand", "rebooted"),
    [
        (None, BOOT, False, False),
        (BY_HAND, NEXT, True, False),
        (FOR_REBOOT, BOOT, False, False),
        (FOR_REBOOT, NEXT, False, True),
    ],
)
def test_reboot_is_over_when_another_boot_is_there(
    drain: Drain | None, boot: str, by_hand: bool, rebooted: bool
) -> None:
    seen = gates(drain=drain, boot=boot)
    assert (is_by_hand(seen), is_rebooted(seen)) == (by_hand, rebooted)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"current": None}, "app1: release: none is live, so there are no gates. Deploy first"),
        ({"able": False}, "app1: release: release 3 is of an older version of the deploy"),
    ],
)
def test_host_that_cannot_be_drained_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        check_able("app1", gates(**fields))


def test_host_that_can_be_drained_is_not_refused() -> None:
    check_able("app1", gates())


def test_drained_host_is_asked_about_all_but_its_ports() -> None:
    plan = plan_one(observed())
    asked = behind_gates(question(plan))
    assert (asked.addresses, asked.beyond) == ((), None)
    assert replace(asked, addresses=question(plan).addresses, beyond=question(plan).beyond) == (
        question(plan)
    )
