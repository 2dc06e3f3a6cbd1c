"""What `publish_address` stands for, and which published ports the internet may reach."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from plan.model import HostPlan
from plan.observed import Observed
from tests.unit.observed import settings
from tests.unit.planned import observed, plan_one, refusals

PRIVATE, PUBLIC, SECOND = "10.0.0.15", "203.0.113.15", "198.51.100.7"
# Local, of Podman, behind a provider's translation, without a router: none is public.
LOCAL = ("127.0.0.1", "10.89.43.1", "100.64.3.4", "169.254.7.7", "192.168.7.1")


def host(*addresses: str, **data: Any) -> Observed:
    """Return the plain host with these addresses beside its own."""
    plain = observed(**data)
    own = (*plain.network.addresses, *map(IPv4Address, addresses))
    return replace(plain, network=replace(plain.network, addresses=own))


def planned(*addresses: str, **data: Any) -> HostPlan:
    return plan_one(host(*addresses, **data))


@pytest.mark.parametrize(
    ("word", "address"), [("private", PRIVATE), ("public", PUBLIC), ("loopback", "127.0.0.1")]
)
def test_word_stands_for_an_address(word: str, address: str) -> None:
    by_word, by_address = planned(publish_address=word), planned(publish_address=address)
    assert {file.path: file.content for file in by_word.files} == {
        file.path: file.content for file in by_address.files
    }


def test_public_needs_to_be_one_address() -> None:
    (problem,) = refusals({"h": host(SECOND, publish_address="public")})
    assert str(problem) == (
        f"h: publish_address: public was given, and the host has the public addresses {PUBLIC}, "
        f"{SECOND}. Name the address to publish on."
    )


@pytest.mark.parametrize("word", ["private", "public"])
def test_word_without_an_address_is_refused(word: str) -> None:
    seen = host(publish_address=word, network_mode="direct", db_address="10.0.0.10")
    addresses = tuple(map(IPv4Address, LOCAL if word == "public" else (PUBLIC,)))
    bare = replace(seen, network=replace(seen.network, addresses=addresses))
    problems = refusals({"h": bare})
    assert problems
    assert all(problem.host == "h" for problem in problems)


@pytest.mark.parametrize(
    ("address", "places"),
    [
        (None, (f"{PUBLIC}:7043", f"{PUBLIC}:7044", f"{SECOND}:7043", f"{SECOND}:7044")),
        ("public", (f"{PUBLIC}:7043", f"{PUBLIC}:7044")),
        (SECOND, (f"{SECOND}:7043", f"{SECOND}:7044")),
        ("private", ()),
        ("loopback", ()),
    ],
)
def test_places_that_the_internet_reaches(address: str | None, places: tuple[str, ...]) -> None:
    more = () if address == "public" else (SECOND,)
    assert planned(*more, *LOCAL, publish_address=address).public == places


def test_word_that_is_not_resolved_never_means_all_addresses() -> None:
    with pytest.raises(TypeError, match="still private"):
        assert settings(publish_address="private").published


def test_app_on_the_hosts_network_is_as_public_as_the_host() -> None:
    assert planned(network_mode="host").public == (f"{PUBLIC}:7043", f"{PUBLIC}:7044")
