"""The plan that is told is what is done: random changes of an inventory, on a real host."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from lab import api
from tests.lab.conftest import Fresh
from tests.lab.harness import Site, ssh, started
from tests.lab.modes import in_mode

HOST = "plain12"
PAIRS = 30
WORDS: dict[str, tuple[Any, ...]] = {
    "mode": ("macvlan", "routed", "direct", "host"),
    "instances": ([7043], [7043, 7044], [7044, 7045]),
    "environment": ({}, {"ONETIME_TEST_A": "1"}, {"ONETIME_TEST_A": "2"}),
    "image": ("1", "2"),
    "egress": ("all", "services"),
    "lan_clients": ([], ["10.0.0.10"]),
    "publish_address": (None, "private"),
    "pids": (None, 500),
}


@pytest.fixture(scope="module")
def site(fresh: Fresh) -> Site:
    return fresh(HOST)


def inventory(site: Site, choice: random.Random) -> Site:
    """Return an inventory of words by chance."""
    words: dict[str, Any] = {word: choice.choice(values) for word, values in WORDS.items()}
    mode, tag = words.pop("mode"), words.pop("image")
    words |= {"image": f"localhost/onetime-lab:{tag}", "image_archive": str(api.image_archive(tag))}
    return in_mode(site, mode, shim=False, **words)


def told(site: Site) -> list[dict[str, Any]]:
    run = site.pyinfra("deploy.py", "--dry", "--data", "format=json")
    lines = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    actions = [line for line in lines if line.get("does", "nothing") != "nothing"]
    assert run.code == (2 if actions else 0), run.output
    return actions


def networks() -> dict[str, str]:
    text = ssh(HOST, "podman network ls --no-trunc --format '{{.Name}} {{.ID}}'")
    return dict(line.split() for line in text.splitlines())


def rules() -> str:
    return ssh(HOST, "nft --stateless list table ip onetime 2>/dev/null || true")


def members(actions: list[dict[str, Any]], verb: str) -> set[str]:
    return {
        f"onetime-{member}"
        for action in actions
        if action["does"].startswith(verb)
        for member in action["members"]
    }


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(PAIRS))
def test_plan_that_is_told_is_what_is_done(site: Site, seed: int) -> None:
    choice = random.Random(seed)  # noqa: S311 - no secret
    assert inventory(site, choice).deploy().code == 0
    after = inventory(site, choice)
    actions = told(after)
    running, made, ruled = started(HOST), networks(), rules()
    run = after.deploy()
    assert run.code == 0, run.output
    now = started(HOST)
    assert {name for name in now if now[name] != running.get(name)} == members(actions, "start")
    assert running.keys() - now.keys() == members(actions, "stop")
    changed = {name for name in made | networks() if made.get(name) != networks().get(name)}
    verbs = ("make network ", "remove network ")
    assert changed == {
        action["does"].split()[2] for action in actions if action["does"].startswith(verbs)
    }
    assert (rules() != ruled) <= any("rules" in action["does"] for action in actions)
    assert told(after) == []
