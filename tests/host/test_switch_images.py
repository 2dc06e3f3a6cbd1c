"""The image that a release was made with is what it runs, and is held for it."""

from __future__ import annotations

import shutil

import pytest

from tests.host.machine import Machine

OLD, NEW = "1" * 64, "2" * 64


@pytest.fixture
def imaged(deployed: Machine) -> Machine:
    """Return a host that knows which image its release and another one stand for."""
    for number, image in ((1, OLD), (2, NEW)):
        if number == 2:
            deployed.release(2, "secrets")
        (deployed.base / f"releases/{number}/about").write_text(f"2026 me {image}\n")
    (deployed.state / "images").write_text(f"{OLD}\n{NEW}\n")
    (deployed.state / "image").write_text(f"{OLD}\n")
    (deployed.state / "runs-image").write_text(f"{OLD}\n")
    return deployed


def test_image_that_a_name_stood_for_is_what_runs(imaged: Machine) -> None:
    imaged.switch(1, 2)
    assert f"stands for {NEW} again" in imaged.perform().output
    assert (imaged.is_whole(2), imaged.result) == (True, "0")
    imaged.switch(2, 1)
    imaged.perform()
    assert imaged.is_whole(1)
    assert (imaged.state / "runs-image").read_text().strip() == OLD


def held(machine: Machine) -> set[str]:
    home = machine.root / "var/lib/onetime/images"
    return {path.name for path in home.iterdir()} if home.exists() else set()


def test_image_is_held_where_a_prune_does_not_reach(imaged: Machine) -> None:
    imaged.switch(1, 2)
    imaged.perform()
    imaged.switch(2, 1)
    imaged.perform()
    assert held(imaged) == {OLD, NEW}
    (imaged.state / "images").write_text(f"{OLD}\n")
    imaged.switch(1, 2)
    assert f"stands for {NEW} again" in imaged.perform().output
    assert (imaged.is_whole(2), imaged.result) == (True, "0")
    # No release was made with the other one any more.
    (imaged.base / "releases/1/about").write_text(f"2026 me {NEW}\n")
    imaged.switch(2, 2)
    imaged.perform()
    assert held(imaged) == {NEW}


def test_image_that_cannot_be_held_is_told_and_serves(imaged: Machine) -> None:
    (imaged.state / "push-fails").touch()
    imaged.switch(1, 2)
    assert "the image of release 2 could not be held" in imaged.perform().output
    assert (imaged.is_whole(2), imaged.result, held(imaged)) == (True, "0", set())


def test_image_that_is_gone_stops_nothing(imaged: Machine) -> None:
    (imaged.state / "images").write_text(f"{OLD}\n")
    imaged.switch(1, 2)
    before = imaged.restarted
    assert "the image of release 2 is gone" in imaged.perform().output
    assert (imaged.is_whole(1), imaged.result) == (True, "1")
    assert imaged.restarted == before


def test_release_that_runs_nothing_needs_no_image(imaged: Machine) -> None:
    """As a teardown's, whatever it says of an image."""
    quadlet = imaged.base / "releases/2/quadlet"
    shutil.rmtree(quadlet)
    quadlet.mkdir()
    imaged.switch(1, 2)
    imaged.perform()
    assert (imaged.is_whole(2), imaged.result, imaged.running()) == (True, "0", {})


def test_instance_that_runs_another_image_is_restarted(imaged: Machine) -> None:
    (imaged.state / "runs-image").write_text(f"{NEW}\n")
    imaged.switch(1, 1)
    before = imaged.restarted
    imaged.perform()
    assert imaged.result == "0"
    assert len(imaged.restarted) > len(before)
