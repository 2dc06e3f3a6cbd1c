"""A disk without room is refused before anything is written to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan.space import check_room, check_space
from tests.unit.observed import RANGE, settings
from tests.unit.planned import altered, fresh

MIB = 1 << 20
PULLED = settings(**RANGE)
LOADED = settings(**RANGE, image_archive="app.tar")


def refused(space: dict[str, int], *, there: bool = False, archive: int | None = None) -> list[str]:
    host = altered(fresh(), space=space, **({} if there else {"images": {}}))
    wanted = PULLED if archive is None else LOADED
    return [str(p) for p in check_space("web1", wanted, host, archives={"app.tar": archive or 0})]


@pytest.mark.parametrize("archive", [None, 0, 100 * MIB])
def test_room_everywhere_is_no_problem(archive: int | None) -> None:
    roomy = {"/etc": 4 * MIB, "/var/lib/containers": 300 * MIB, "/var/tmp": 100 * MIB}
    assert refused(roomy, archive=archive) == []
    # What df cannot tell is for the deploy itself to find out.
    assert refused({}, archive=archive) == []


def test_full_disk_is_named_with_what_it_has_and_needs() -> None:
    full = {"/etc": 3 * MIB, "/var/lib/containers": 299 * MIB, "/var/tmp": 99 * MIB + 1}
    told = (("/etc", 3, 4), ("/var/lib/containers", 299, 300), ("/var/tmp", 99, 100))
    assert refused(full, archive=100 * MIB) == [
        f"web1: disk: {where} has {free} MiB free, and {needed} MiB are needed. Make room there."
        for where, free, needed in told
    ]


@given(st.integers(0, 10**12))
def test_image_that_is_there_needs_no_room(free: int) -> None:
    space = {"/etc": 4 * MIB, "/var/lib/containers": free, "/var/tmp": free}
    assert refused(space, there=True, archive=10**9) == []
    assert bool(refused(space)) == (free < 256 * MIB)


@pytest.mark.parametrize(
    ("free", "told"),
    [
        ({}, []),
        ({"space": {"/etc": 32 * MIB, "/var/lib/containers": 32 * MIB}}, []),
        ({"space": {"/var/lib/containers": 32 * MIB - 1}}, ["/var/lib/containers has no room"]),
        ({"space": {"/etc": 0}}, ["/etc has no room"]),
        ({"inodes": {"/var/lib/containers": 999}}, ["which takes up to 1000 files"]),
        ({"space": {"/var/tmp": 0}, "inodes": {"/var/tmp": 0}}, []),
    ],
)
def test_change_needs_room_whatever_it_is(free: dict[str, dict[str, int]], told: list[str]) -> None:
    problems = [str(one) for one in check_room("web1", altered(fresh(), **free))]
    assert len(problems) == len(told)
    assert all(words in line for words, line in zip(told, problems, strict=True))
