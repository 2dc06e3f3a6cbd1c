"""What brings an image to a host: a login that leaves no trace, refusals told, what came noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.image import bringing
from tests.host.machine import STAND_INS, Machine, Result

IMAGE = "registry.example/app:1"
ID, OTHER = "1" * 64, "2" * 64
AUTH = '{"auths": {"registry.example": {"auth": "Ym90OnMzY3JldA=="}}}'
UNKNOWN = "Error: reading manifest 1 in registry.example/app: authentication required\n"
GONE = "Error: pinging container registry registry.example: connection refused\n"


def bring(machine: Machine, *, login: bool = False) -> Result:
    """Run what brings the image, below the machine's root."""
    script = bringing(IMAGE, "pull", [], login=login)
    for top in ("etc", "run", "var"):
        script = script.replace(f" /{top}/", f" {machine.root}/{top}/")
        script = script.replace(f">>/{top}/", f">>{machine.root}/{top}/")
    program = machine.root / "bring.sh"
    program.write_text(script)
    return machine.run(program, stdin=AUTH, PATH=f"{machine.state}/bin:/usr/bin:/bin")


@pytest.fixture
def bare(machine: Machine) -> Machine:
    """Return a host without images, whose registry has one; time passes there as it does."""
    (machine.state / "bin").mkdir()
    for name in ("podman", "common"):
        (machine.state / "bin" / name).symlink_to(STAND_INS / name)
    (machine.state / "names").write_text("")
    (machine.state / "images").write_text("")
    (machine.state / "registry").write_text(f"{IMAGE} {ID}\n")
    return machine


def noted(machine: Machine) -> list[list[str]]:
    """Return what is noted as brought: names, and IDs."""
    files = (machine.base / "found" / name for name in ("brought-images", "brought-ids"))
    return [file.read_text().split() if file.exists() else [] for file in files]


def in_memory(machine: Machine) -> list[Path]:
    return list((machine.root / "run").iterdir())


def test_image_that_comes_is_noted(bare: Machine) -> None:
    assert bring(bare).code == 0
    assert noted(bare) == [[IMAGE], [ID]]
    assert bring(bare).code == 0
    assert noted(bare) == [[IMAGE], [ID]]


def test_name_that_was_here_before_was_not_brought(bare: Machine) -> None:
    """A tag is followed: the image is the deploy's own, its name is not."""
    (bare.state / "names").write_text(f"{IMAGE} {OTHER}\n")
    assert bring(bare).code == 0
    assert noted(bare) == [[], [ID]]


def test_login_is_in_memory_for_root_alone_while_it_is_used(bare: Machine) -> None:
    assert bring(bare, login=True).code == 0
    (pull,) = [call for call in bare.calls("podman") if call.startswith("pull ")]
    assert (bare.state / "authfile").read_text() == f"600 {AUTH}"
    assert pull.split()[2:4] == ["--authfile", pull.split()[3]]
    assert pull.split()[3].startswith(f"{bare.root}/run/onetime-registry.")
    assert in_memory(bare) == []
    assert "Ym90" not in (bare.state / "calls").read_text()


@pytest.mark.parametrize(
    ("said", "login", "told"),
    [
        (UNKNOWN, True, "the registry refuses registry_login: correct its user and password"),
        (UNKNOWN, False, "the registry refuses to give it to somebody unknown: set registry_login"),
        (GONE, True, "it cannot be pulled: correct image, or set registry_login or image_archive"),
    ],
)
def test_image_that_does_not_come_is_told(
    bare: Machine, said: str, told: str, *, login: bool
) -> None:
    (bare.state / "refusal").write_text(said)
    done = bring(bare, login=login)
    assert done.code == 1
    assert done.output == f"{said}image {IMAGE}: {told}; nothing was restarted\n"
    assert noted(bare) == [[], []]
    assert in_memory(bare) == []
