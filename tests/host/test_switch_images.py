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


MOVED, THEIRS = "3" * 64, "4" * 64


@pytest.fixture
def brought(imaged: Machine) -> Machine:
    """Return a host that is about to let go of release 1, with what the deploy brought to it.

    Beside the image of each release: one that a moved name has left behind, and two that were here
    before, one with a name and one without.
    """
    (imaged.state / "names").write_text(
        f"localhost/onetime-lab:1 {NEW}\nlocalhost/onetime-lab:0 {OLD}\ntheirs:1 {THEIRS}\n"
    )
    (imaged.state / "images").write_text(f"{OLD}\n{NEW}\n{MOVED}\n{THEIRS}\n{'5' * 64}\n")
    (imaged.state / "image").write_text(f"{NEW}\n")
    found = imaged.base / "found"
    found.mkdir(exist_ok=True)
    names = ("localhost/onetime-lab:0", "localhost/onetime-lab:1", "gone:1")
    (found / "brought-images").write_text("".join(f"{name}\n" for name in names))
    (found / "brought-ids").write_text(f"{OLD}\n{NEW}\n{MOVED}\n{'6' * 64}\n")
    shutil.rmtree(imaged.base / "releases/1")
    imaged.switch(2, 2)
    return imaged


def removed(machine: Machine) -> list[str]:
    return [call.removeprefix("rmi ") for call in machine.calls("podman") if call[:4] == "rmi "]


def noted(machine: Machine, name: str) -> list[str]:
    return (machine.base / "found" / name).read_text().split()


def test_images_that_no_kept_release_names_go(brought: Machine) -> None:
    output = brought.perform().output
    assert brought.result == "0", output
    # One lost its name now, the other earlier; what was here before has a name, or none, and stays.
    assert f"untag {OLD} localhost/onetime-lab:0" in brought.calls("podman")
    assert removed(brought) == [OLD, MOVED]
    assert "no kept release runs localhost/onetime-lab:0" in output
    assert noted(brought, "brought-images") == ["localhost/onetime-lab:1"]
    assert noted(brought, "brought-ids") == [NEW]


def test_image_in_use_stays_until_the_next_change(brought: Machine) -> None:
    (brought.state / "used").write_text(f"{OLD}\n{MOVED}\n")
    brought.perform()
    assert noted(brought, "brought-ids") == [OLD, NEW, MOVED]
    (brought.state / "used").unlink()
    brought.switch(2, 2)
    brought.perform()
    assert removed(brought)[2:] == [OLD, MOVED]
    assert noted(brought, "brought-ids") == [NEW]


def test_image_of_a_kept_release_stays_whatever_its_name(brought: Machine) -> None:
    """A release was made with it when another name stood for it, or this one for another."""
    (brought.base / "releases/2/about").write_text(f"2026 me {MOVED}\n")
    (brought.state / "names").write_text(
        f"localhost/onetime-lab:1 {NEW}\nlocalhost/onetime-lab:0 {MOVED}\n"
    )
    brought.switch(2, 2)
    brought.perform()
    assert brought.result == "0"
    assert f"untag {MOVED} localhost/onetime-lab:0" in brought.calls("podman")
    assert removed(brought) == [OLD, NEW]


def test_image_of_which_only_the_name_was_noted_goes(brought: Machine) -> None:
    """As older versions of the deploy did."""
    (brought.base / "found/brought-ids").unlink()
    brought.perform()
    assert removed(brought) == [OLD]


def test_change_that_fails_removes_no_image(brought: Machine) -> None:
    brought.release(3, "secrets", broken=7043)
    (brought.base / "releases/3/about").write_text(f"2026 me {NEW}\n")
    brought.switch(2, 3)
    brought.perform()
    assert brought.result == "1"
    assert removed(brought) == []


def test_digest_is_brought_back_by_its_registry_alone(imaged: Machine) -> None:
    """It cannot be given to an image as a name, so no copy is held, and none would do."""
    pinned = f"registry.example/app@sha256:{'a' * 64}"
    template = imaged.base / "releases/2/quadlet/onetime@.container"
    template.write_text(template.read_text().replace("localhost/onetime-lab:1", pinned))
    (imaged.state / "names").write_text(f"localhost/onetime-lab:1 {OLD}\n")
    imaged.switch(1, 2)
    before = imaged.restarted
    assert f"the image of release 2 is gone: {pinned}" in imaged.perform().output
    assert (imaged.is_whole(1), imaged.restarted) == (True, before)
    (imaged.state / "registry").write_text(f"{pinned} {NEW}\n")
    imaged.switch(1, 2)
    assert f"{pinned} stands for {NEW} again" in imaged.perform().output
    assert (imaged.is_whole(2), imaged.result) == (True, "0")
    assert NEW not in held(imaged)
    assert [call for call in imaged.calls("podman") if call.startswith("tag ")] == []
