"""A port that a rule of somebody else's translates is not the deploy's to take."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network
from typing import Any

import pytest

from facts.firewall import Translation
from tests.unit.planned import altered, observed, refusals


@pytest.mark.parametrize(
    ("translation", "data", "refused"),
    [
        (Translation(7043, 7043, None), {}, True),
        (Translation(7000, 7100, None), {}, True),
        (Translation(7043, 7043, IPv4Network("10.0.0.15/32")), {}, True),
        (Translation(7043, 7043, IPv4Network("10.0.0.99/32")), {}, False),
        (
            Translation(7043, 7043, IPv4Network("10.0.0.15/32")),
            {"publish_address": "203.0.113.15"},
            False,
        ),
        (Translation(443, 443, None), {}, False),
        (Translation(7043, 7043, None), {"network_mode": "host"}, True),
        (Translation(443, 443, None), {"network_mode": "host"}, False),
    ],
)
def test_port_that_somebody_translates_is_taken(
    translation: Translation, data: dict[str, Any], refused: bool
) -> None:
    seen = observed(**data)
    taken = altered(seen.installed, translated=frozenset({translation}))
    problems = refusals({"h": dataclasses.replace(seen, installed=taken)})
    assert bool(problems) == refused
    assert all(
        problem.key == "instances" and "translates port 70" in problem.observation
        for problem in problems
    )
