"""What the documents say is true: settings with their defaults and errors, links, commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from facts.proc import Listener
from lab import api
from plan.fleet import plan_fleet
from plan.inventory import reading
from plan.inventory.settings import KEYS
from plan.observed import Observed
from plan.problems import PlanError
from rollout.observe import local_secrets
from tests.lab.conftest import Fresh
from tests.lab.documents import LAB_HOSTS, checkout, commands, edits, run_block
from tests.lab.harness import ROOT, page, snapshot, ssh
from tests.unit import observed
from tests.unit.planned import altered

pytestmark = pytest.mark.alone

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def sections() -> dict[str, str]:
    """Return the sections of docs/settings.md by the word that they are about."""
    text = (ROOT / "docs/settings.md").read_text()
    parts = re.split(r"^## `(\w+)`\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def planned(values: Mapping[str, Any]) -> None:
    """Plan the host that docs/settings.md speaks of; PlanError as an operator would get it."""
    plain = observed.network("plain", "10.0.0.10" if "db_host" not in values else None)
    network = replace(
        plain,
        addresses=(IPv4Address("10.0.0.20"), IPv4Address("203.0.113.20")),
        listeners=plain.listeners | {Listener(IPv4Address(0), 8022)},
    )
    installed = altered(
        observed.nothing_installed(),
        images={} if "image" in values else {observed.DEFAULTS["image"]: "0123456789ab"},
        kernel_links=frozenset({"macvlan"}),
        controllers=frozenset({"pids"}),
    )
    data = {**observed.DEFAULTS, "container_range": "10.0.0.128/27", **values}
    read = reading.read("app1", data, {})
    if {"secrets", "image_archive", "registry_login"} & values.keys():
        local_secrets("app1", read)
    answering = {IPv4Address("10.0.0.41"): "52:54:00:12:34:56"}
    plan_fleet({"app1": Observed(read, network, installed, answering=answering)}, {})


def errors() -> list[tuple[str, dict[str, Any], str]]:
    """Return word, values and error of every row of the tables in docs/settings.md."""
    rows = []
    for word, text in sections().items():
        for cell, error in re.findall(r"^\| `(.+?)` \| (.+) \|$", text, re.MULTILINE):
            pairs = ast.parse(f"dict({cell})", mode="eval").body if "=" in cell else None
            values = (
                {str(pair.arg): ast.literal_eval(pair.value) for pair in pairs.keywords}
                if isinstance(pairs, ast.Call)
                else {word: ast.literal_eval(cell)}
            )
            rows.append((word, values, error))
    return rows


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(sections()) == set(KEYS)


def test_every_setting_has_its_default_and_says_it() -> None:
    assert set(observed.GROUP_DATA) == set(KEYS)
    for word, text in sections().items():
        assert f"\nDefault: `{observed.GROUP_DATA[word]!r}`" in text, word


@pytest.mark.parametrize("word", KEYS)
def test_example_of_a_setting_is_accepted(word: str) -> None:
    (example,) = re.findall(r"```python\n(.+?)```", sections()[word], re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, {}, names)  # noqa: S102
    assert set(names) == {word}
    assert reading.read("app1", {**observed.DEFAULTS, **names}, {})


@pytest.mark.parametrize(("word", "values", "error"), errors())
def test_bad_value_gives_the_documented_error(
    word: str, values: dict[str, Any], error: str
) -> None:
    with pytest.raises(PlanError) as raised:
        planned(values)
    assert f"  - app1: {error}" in str(raised.value), word


def test_host_of_the_documentation_is_accepted_as_it_is() -> None:
    planned({})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        page = document.parent / path if path else document
        assert page.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in anchors, target


def test_readme_marks_nothing_but_the_tests_as_not_run() -> None:
    assert [block for mark, block in commands("README.md") if mark] == ["make test\n"]


def running(host: str) -> list[int]:
    """Return the ports of the instances that run and answer."""
    names = ssh(host, "podman ps --filter name=^onetime- --format '{{.Names}}'").split()
    ports = sorted(int(name.removeprefix("onetime-")) for name in names)
    assert all(page(host, "127.0.0.1", port)["version"] == "1" for port in ports)
    return ports


def test_every_command_in_readme_does_what_it_says(fresh: Fresh, tmp_path: Path) -> None:
    fresh(*LAB_HOSTS)
    directory = checkout(tmp_path)
    words = (
        'image = "localhost/onetime-lab:1"\n'
        f'image_archive = "{api.image_archive("1")}"\n'
        'health_command = "wget -q -O /dev/null http://127.0.0.1:<port><health_path>"\n'
    )
    environment = edits(tmp_path, words, "instances = [7043, 7044, 7045]\n")
    output, history = "", [[running(host) for host in LAB_HOSTS]]
    for block in [block for mark, block in commands("README.md") if not mark]:
        before = [snapshot(host) for host in LAB_HOSTS]
        output += run_block(block, directory, environment)
        if "-y" not in block.split():
            assert [snapshot(host) for host in LAB_HOSTS] == before, block
        now = [running(host) for host in LAB_HOSTS]
        history += [now] if now != history[-1] else []

    # Nothing, the deploy, one more instance, the rollback, the teardown; always on both hosts.
    two, three = [7043, 7044], [7043, 7044, 7045]
    assert history == [[ports, ports] for ports in ([], two, three, two, [])]
    for sign in ("+ ContainerName=onetime-%i", "all as the inventory says"):
        assert sign in output, sign
