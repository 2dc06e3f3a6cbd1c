"""Releases as hosts get them. A change of a template shows as a diff of these; `make golden`."""

from __future__ import annotations

import pytest

from tests.golden.cases import CASES, HOME, directories, release


@pytest.mark.parametrize("case", CASES)
def test_release_is_the_one_checked_in(case: str) -> None:
    directory = HOME / case
    files = {
        str(path.relative_to(directory)): path.read_text()
        for path in directory.rglob("*")
        if path.is_file()
    }
    planned = release(CASES[case]())
    assert files.keys() == planned.keys()
    for path, text in planned.items():
        assert text == files[path], f"{case}/{path}: look at the change, then make golden"


def test_golden_directories_are_those_of_the_cases() -> None:
    assert {path.name for path in directories()} == set(CASES)
