"""Images: logins to pull with, and tags that are followed at their registry."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from facts.reading import decode
from facts.tag import Tag, TagState
from plan.images import is_followed, moved_tag
from plan.inventory.registries import auth_file, registry_of
from plan.model import HostPlan
from rollout.observe import local_login, local_secrets
from tests.unit.kernel import answers_text
from tests.unit.observed import settings
from tests.unit.planned import altered, fresh, lines, observed, plan_one

IMAGE = "registry.example:5000/team/app:live"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
FOLLOWED: dict[str, Any] = {"image": IMAGE, "follow_tag": True}
LOGIN = {"user": "bot", "password": "env:ONETIME_TEST_PASSWORD"}
DENIED = "reading manifest live in registry.example:5000/team/app: authentication required"


def tag(**answers: str) -> TagState:
    shown = json.dumps({"manifests": [{"digest": NEW, "platform": {"architecture": "amd64"}}]})
    given = {"code": "0\n", "manifest": shown, "trouble": "", "host": f"{OLD} {IMAGE[:-5]}@{OLD}"}
    return Tag().read(decode(answers_text(given | answers)))


def test_tag_is_what_its_registry_says() -> None:
    assert tag() == TagState(NEW, (OLD, OLD))
    assert moved_tag(tag()) == (OLD, NEW)


def test_tag_that_stands_for_the_images_digest_has_not_moved() -> None:
    """A list and the image of it that is this host's have a digest each."""
    assert moved_tag(tag(host=f"{OLD} {IMAGE[:-5]}@{OLD} {IMAGE[:-5]}@{NEW}")) is None
    assert moved_tag(None) is None


@pytest.mark.parametrize(
    ("code", "trouble", "told", "refused"),
    [
        ("125", f'Error: reading image "docker://x": {DENIED}\n', DENIED, True),
        ("125", "Error: x: denied: requested access to the resource is denied", "denied", True),
        ("125", "Error: pinging container registry x: connection refused", "connection", False),
        ("125", "Error: open /etc/containers/policy.json: permission denied", "policy", False),
        ("124", "", "no answer within 20 seconds", False),
    ],
)
def test_registry_that_says_something_else_is_understood(
    code: str, trouble: str, told: str, *, refused: bool
) -> None:
    state = tag(code=code, trouble=trouble, manifest="")
    assert (state.registry, state.refused) == (None, refused)
    assert told in state.trouble
    assert moved_tag(state) is None


@pytest.mark.parametrize(
    "answers",
    [
        {"host": ""},
        {"code": "?"},
        {"manifest": ""},
        {"manifest": '{"manifests": []}'},
        {"manifest": '{"manifests": null}'},
    ],
)
def test_answer_that_makes_no_sense_is_refused(answers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        tag(**answers)


def test_password_is_in_no_question() -> None:
    question = Tag().command(IMAGE, login=True)
    assert question != Tag().command(IMAGE, login=False)
    assert "--authfile" not in Tag().command(IMAGE, login=False)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("ghcr.io/onetimesecret/onetimesecret:v1", "ghcr.io"),
        ("maindb:5000/app", "maindb:5000"),
        ("localhost/app:1", None),
        ("library/app", None),
        ("app:1", None),
    ],
)
def test_registry_of_an_image(image: str, registry: str | None) -> None:
    assert registry_of(image) == registry


def test_login_is_written_as_podman_reads_it() -> None:
    login = settings(image=IMAGE, registry_login=LOGIN).registry_login
    assert login is not None
    (registry, entry), *others = json.loads(auth_file(login, IMAGE, "a:b"))["auths"].items()
    assert (registry, others) == ("registry.example:5000", [])
    assert base64.b64decode(entry["auth"]) == b"bot:a:b"
    named = settings(registry_login={**LOGIN, "registry": "quay.io/team"}).registry_login
    assert named is not None
    assert list(json.loads(auth_file(named, IMAGE, "x"))["auths"]) == ["quay.io/team"]


def test_password_is_found_where_the_inventory_says(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    words = settings(image=IMAGE, registry_login={**LOGIN, "password": f"file:{file}"})
    assert base64.b64encode(b"bot:hunter2").decode() in local_login(words)
    # It is nobody's variable, and no Podman secret.
    assert local_secrets("h", words) == ({}, {})
    assert local_login(settings()) == ""


def test_password_that_is_not_there_is_told_with_all_else() -> None:
    words = settings(registry_login=LOGIN, secrets={"KEY": "env:ONETIME_TEST_MISSING"})
    with pytest.raises(Exception, match="2 problems") as raised:
        local_secrets("h", words)
    told = "h: registry_login: password: env:ONETIME_TEST_PASSWORD is not set. Set it, then run aga"
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            {"registry_login": LOGIN, "image": "localhost/onetime-lab:1"},
            "registry_login: localhost",
        ),
        ({**FOLLOWED, "image": f"{IMAGE}@{OLD}"}, "follow_tag: image names a digest, which never"),
        (
            {**FOLLOWED, "image_archive": "x.tar"},
            "follow_tag: a tag is followed at a registry, and",
        ),
        ({**FOLLOWED, "image": "app:1"}, "follow_tag: app:1 names no registry that could be asked"),
    ],
)
def test_words_that_contradict_each_other_are_refused(data: dict[str, Any], told: str) -> None:
    (line,) = lines({"h": observed(**data)})
    assert line.startswith(f"h: {told}")


def planned(state: TagState | None, **data: Any) -> HostPlan:
    return plan_one(dataclasses.replace(observed(**FOLLOWED, **data), tag=state))


def test_tag_that_has_moved_is_part_of_the_plan() -> None:
    assert planned(TagState(NEW, (OLD,))).moved_tag == (OLD, NEW)
    assert planned(None).moved_tag is None


def test_registry_that_is_away_is_a_warning() -> None:
    plan = planned(TagState(None, (OLD,), "connection refused"))
    (warning,) = plan.warnings
    assert f"the registry does not tell what {IMAGE} stands for now (connection refused)" in warning
    assert plan.moved_tag is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "the registry wants a login, asked what"),
        ({"registry_login": LOGIN}, "the registry refuses this login, asked what"),
    ],
)
def test_registry_that_refuses_is_told(data: dict[str, Any], told: str) -> None:
    host = dataclasses.replace(
        observed(**FOLLOWED, **data), tag=TagState(None, (OLD,), "authentication required")
    )
    (line,) = lines({"h": host})
    assert line.startswith(f"h: registry_login: {told} {IMAGE} ")
    assert "(authentication required)" in line


def test_registry_is_asked_for_what_the_host_has_alone() -> None:
    words = settings(**FOLLOWED)
    there = altered(fresh(), images={IMAGE: "1" * 64})
    assert is_followed(words, there)
    assert not is_followed(words, fresh())
    assert not is_followed(settings(image=IMAGE), there)
    assert not is_followed(settings(**{**FOLLOWED, "image": "app:1"}), there)
