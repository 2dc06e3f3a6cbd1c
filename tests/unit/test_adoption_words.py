"""Images, mounts, limits and jobs of theirs become words, or notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.foreign import ENVIRONMENT, RECIPE, TOOL, adopted, container, foreign, recipe


def test_images_of_their_own_units(tmp_path: Path) -> None:
    altered = {"Image=ghcr.io/onetimesecret/onetimesecret:v0.24.1": "Image=onetime.image"}
    unit = {"onetime.image": "[Image]\nImage=registry.example/ots:1\n"}
    assert adopted(recipe(tmp_path, altered, units=unit)).words["image"] == "registry.example/ots:1"
    adoption = adopted(recipe(tmp_path / "without", altered))
    assert adoption.words["image"] == "onetime.image"


def test_image_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    altered = {"Image=ghcr": "Image=-ghcr"}
    adoption = adopted(recipe(tmp_path, altered))
    assert "image" not in adoption.words
    assert "Image= says cannot be used" in str(adoption.notes["image"])


def test_image_that_runs_is_told_where_it_is_another(tmp_path: Path) -> None:
    live = container("systemd-onetime_7043", image="ghcr.io/onetimesecret/onetimesecret:v0.23.0")
    adoption = adopted(recipe(tmp_path, containers=[live]))
    assert "the container runs ghcr.io/onetimesecret/onetimesecret:v0.23.0" in str(
        adoption.notes["image"]
    )


def test_mounts(tmp_path: Path) -> None:
    volumes = [
        "/etc/onetimesecret/branding:/app/etc/branding:ro,z",
        "data:/app/data",
        "/srv/data:/app/data2",
        "assets.volume:/app/assets",
        "/app/anonymous",
        "more:/app/data/inside",
        "/etc/x:/proc/x:ro",
    ]
    text = "".join(f"Volume={volume}\n" for volume in volumes)
    adoption = adopted(recipe(tmp_path, {"PublishPort": f"{text}PublishPort"}))
    assert adoption.words["files"] == {"/app/etc/branding": "app1/branding/"}
    assert adoption.words["volumes"] == {"/app/data": "data"}
    for volume in volumes[2:5]:
        assert f"Volume={volume} is neither" in str(adoption.notes["volumes"])
    assert "/app/data/inside" in str(adoption.notes["volumes"])
    assert "/proc/x" in str(adoption.notes["files"])


def test_limits_of_podmans_own(tmp_path: Path) -> None:
    text = "PodmanArgs=--memory=2g --cpus=1.5 --ulimit=nofile=1:2\nTimezone=Europe/Vienna\n"
    adoption = adopted(recipe(tmp_path, {"PublishPort": f"{text}PublishPort"}))
    assert adoption.words["memory"] == "2g"
    assert adoption.words["cpus"] == 1.5
    assert adoption.words["timezone"] == "Europe/Vienna"
    assert "PodmanArgs= has --ulimit" in str(adoption.notes[""])


def test_limits_that_cannot_be_used(tmp_path: Path) -> None:
    text = "PodmanArgs=--memory=much --cpus=all\n"
    adoption = adopted(recipe(tmp_path, {"PublishPort": f"{text}PublishPort"}))
    assert not adoption.words.keys() & {"memory", "cpus"}
    assert "memory" in adoption.notes


def test_command_of_their_own_is_told(tmp_path: Path) -> None:
    adoption = adopted(recipe(tmp_path, {"PublishPort": "Exec=bin/puma\nPublishPort"}))
    assert "Exec= is left out" in str(adoption.notes[""])


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("wget -qO- http://127.0.0.1:3000/api/v2/status", "/api/v2/status"),
        ("CMD-SHELL curl -f 'http://[::1]:3000/health?full=1'||exit 1", None),
        ("CMD-SHELL curl -f 'http://[::1]:3000/health'||exit 1", "/health"),
        ("pgrep puma", None),
        ("curl http://localhost:3000/{a}", None),
    ],
)
def test_health_path(tmp_path: Path, command: str, path: str | None) -> None:
    altered = {"curl -sf http://localhost:3000/health || exit 1": command}
    assert adopted(recipe(tmp_path, altered)).words.get("health_path") == path


def test_instances_that_differ_are_told(tmp_path: Path) -> None:
    environments = {"env-7043": ENVIRONMENT, "env-7044": f"{ENVIRONMENT}COLONEL=a\n"}
    units = {
        "onetime@7044.container.d/x.conf": "[Container]\nImage=x/onetimesecret:2\nTimezone=UTC\n",
        "onetime@7043.container.d/x.conf": "[Container]\nTimezone=Europe/Vienna\n",
        "onetime@7045.container": RECIPE["onetime@.container"].replace("HealthCmd", "Label"),
    }
    adoption = adopted(recipe(tmp_path, environments=environments, units=units))
    assert "onetime@7044 differs in COLONEL" in adoption.notes["environment"]
    assert "onetime@7044 has x/onetimesecret:2" in adoption.notes["image"]
    assert "onetime@7044 has UTC" in adoption.notes["timezone"]
    assert "onetime@7045 says nothing of it" in adoption.notes["health_path"]


def test_workers_that_no_name_fits_are_told(tmp_path: Path) -> None:
    active = ["onetime-web@7043", "onetime-worker@a_b"]
    adoption = adopted(foreign(tmp_path, TOOL, {"env": ENVIRONMENT}, active=active))
    assert "workers" not in adoption.words
    assert "onetime-worker@a_b" in str(adoption.notes["workers"])
