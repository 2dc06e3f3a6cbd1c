"""Values of secrets that a run knows are shown as stars, whoever says them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rollout import concealed
from rollout.concealed import conceal, masked

KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA1234\n-----END KEY-----"


@pytest.fixture(autouse=True)
def run() -> Iterator[None]:
    """Forget what is concealed, as the next run does."""
    yield
    concealed._concealed.clear()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the token is tok3n-tok3n.", "the token is *****."),
        ("tok3n-tok3n-longer", "*****"),
        ("redis://:p4ss-w0rd@maindb:6379/0", "*****"),
        ("cannot log in to redis with p4ss-w0rd", "cannot log in to redis with *****"),
        ("MIIEpAIBAAKCAQEA1234", "*****"),
        ("a\\x1bvalue", "*****"),
        ("short", "short"),
        ("maindb:6379", "maindb:6379"),
    ],
)
def test_secret_is_shown_as_stars(text: str, shown: str) -> None:
    address = "redis://:p4ss-w0rd@maindb:6379/0"
    conceal(["tok3n-tok3n", "tok3n-tok3n-longer", address, KEY, "short", "a\x1bvalue", "http://["])
    assert masked(text) == shown


def test_text_stays_while_nothing_is_concealed() -> None:
    assert masked("tok3n-tok3n") == "tok3n-tok3n"
