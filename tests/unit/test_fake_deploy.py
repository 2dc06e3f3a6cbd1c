"""Whole runs of pyinfra: what is told, what is done, and what ends them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fakes import (
    HEALTHY,
    commands,
    fake,
    problems,
    pyinfra,
)
from tests.unit.observed import installed_lines, proc_answers

pytestmark = pytest.mark.whole


def test_fresh_host_is_deployed_step_by_step(tmp_path: Path) -> None:
    code, output = pyinfra(tmp_path, "-y", "-vv", web1=fake())
    assert code == 0, output
    steps = iter(commands(output, "web1"))
    for step in (
        "podman pull",
        "tar -xp -C /etc/onetime/staging-",
        " releases/1",
        "while systemctl show --property=ActiveState,Job onetime-switch.service",
    ):
        assert any(step in command for command in steps), f"no {step}, or too early"


def test_dry_run_changes_nothing(tmp_path: Path) -> None:
    code, output = pyinfra(tmp_path, "--dry", "-vv", web1=fake())
    assert code == 2, output
    assert commands(output, "web1") == []


def test_approved_plan_is_done_and_no_other(tmp_path: Path) -> None:
    _, dry = pyinfra(tmp_path, "--dry", web1=fake(), web2=fake(container_range="10.0.0.160/27"))
    plan = re.search(r"^plan (p[0-9a-f]+)$", dry, re.MULTILINE)
    assert plan, dry
    # What is the same on both is told once.
    assert dry.count("  1. pull registry.example/app:1: the host does not have it") == 1
    assert "@fake/web1, @fake/web2:" in dry
    approved = ("-y", "-vv", "--data", f"plan={plan[1]}")
    other = fake(container_range="10.0.0.160/27", environment={"A": "1"})
    code, output = pyinfra(tmp_path, *approved, web1=fake(), web2=other)
    assert code == 1
    (problem,) = problems(output)
    assert f"plan: '{plan[1]}' was approved, and this run would be p" in problem
    assert "/prepare.py" not in output
    assert commands(output, "web1") == []
    hosts = {"web1": fake(), "web2": fake(container_range="10.0.0.160/27")}
    code, output = pyinfra(tmp_path, *approved, **hosts)
    assert code == 0, output
    assert commands(output, "web1")


def test_plan_is_lines_of_json_where_a_machine_asks(tmp_path: Path) -> None:
    inventory = ("--dry", "--data", "format=json")
    _, output = pyinfra(tmp_path, *inventory, web1=fake())
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert {line["schema"] for line in lines} == {1}
    assert lines[0]["does"] == "pull registry.example/app:1"
    assert lines[-1]["host"] == "@fake/web1"
    starts = [line["members"] for line in lines if line.get("does", "").startswith("start ")]
    assert starts == [[7043, 7044]]


GARBLED = proc_answers("plain", "10.0.0.10") | {"route": "Iface\nnonsense\n"}
HOSTILE = {
    "garbled": (fake(GARBLED), "/proc/net/route, line 2: 11 fields expected in 'nonsense'"),
    "torn": (fake(installed=installed_lines("plain")[:-1]), "cut off before its end marker"),
    "silent": (fake() | {"fake_responses": {}}, "the host answered nothing"),
    "bare": (fake(installed=["sh: base64: not found", "end-of-answers"]), "is garbled"),
}


def test_hosts_that_answer_nonsense_are_told_and_none_touched(tmp_path: Path) -> None:
    bad = {
        name: {**host, "container_range": f"10.0.0.{160 + 8 * number}/29"}
        for number, (name, (host, _)) in enumerate(HOSTILE.items())
    }
    code, output = pyinfra(tmp_path, "-y", "-vv", web1=fake(), **bad)
    assert code != 0
    assert commands(output, "web1") == []
    assert {line.split(": ", 1)[0] for line in problems(output)} == {f"@fake/{n}" for n in bad}
    for name, (_, complaint) in HOSTILE.items():
        (line,) = [
            line for line in output.splitlines() if f"[@fake/{name}]" in line and complaint in line
        ]
        assert "Error" in line or "answered nothing" in line
        assert commands(output, name) == []
    assert output.count("FactProcessError: the host's answer makes no sense: ") == 3


def test_host_that_cannot_be_observed_keeps_its_range(tmp_path: Path) -> None:
    code, output = pyinfra(tmp_path, "-y", "-vv", web1=fake(), web2=fake(GARBLED))
    assert code != 0
    line, unobserved = sorted(problems(output))
    assert "web2: connection: it cannot be observed" in unobserved
    assert "web1: container_range: 10.0.0.128/27 overlaps with 10.0.0.128/27 of @fake/web2" in line
    assert commands(output, "web1") == []


def test_problems_of_all_kinds_and_hosts_come_in_one_list(tmp_path: Path) -> None:
    """Values, what this machine lacks, what a host lacks, and what only both together show."""
    nocard = fake(proc_answers("nocard"), container_range="10.0.0.160/27", db_address="10.0.0.10")
    code, output = pyinfra(
        tmp_path,
        "-y",
        "-vv",
        web1=fake(shimm=True, db_port=0),
        web2=nocard,
        web3=fake(image_archive="gone.tar", secrets={"KEY": "env:NOT_SET_ANYWHERE"}),
        web4=fake(publish_address="10.0.0.77", publish_subnet="10.0.0.0/28"),
        web5=fake(container_range="10.0.0.144/28"),
    )
    assert code != 0
    assert [line.split(": ")[:2] for line in problems(output)] == [
        ["@fake/web1", "shimm"],
        ["@fake/web1", "db_port"],
        ["@fake/web3", "image_archive"],
        ["@fake/web3", "secrets"],
        ["@fake/web2", "network_interface"],
        ["@fake/web4", "publish_address"],
        ["@fake/web4", "publish_subnet"],
        ["@fake/web4", "container_range"],
    ]
    assert "8 problems; nothing was changed" in output
    for host in ("web1", "web2", "web3", "web4", "web5"):
        assert commands(output, host) == []


def test_path_that_does_not_answer_fails_the_run(tmp_path: Path) -> None:
    paths = HEALTHY | {"7044/database": "bash: connect: Connection refused\n"}
    host = fake(paths=paths)
    # What verify found is printed on the host and exits 1, so that pyinfra counts it as failed.
    host["fake_responses"]["Likely cause"] = {"success": False}
    code, output = pyinfra(tmp_path, "-y", "-vv", web1=host)
    assert code != 0
    failure = commands(output, "web1")[-1]
    assert failure.endswith("exit 1")
    assert "@fake/web1: instance 7044 to the database maindb:6379: " in failure
    assert "nothing listens on port 6379" in failure
    assert failure.count("Likely cause") == 1


def test_drained_host_is_deployed_and_said_to_stay_so(tmp_path: Path) -> None:
    host = fake(drained="drained 2026-11-30T20:00:00Z me@here\n")
    code, output = pyinfra(tmp_path, "-y", web1=host)
    assert code == 0, output
    assert "drained since 2026-11-30T20:00:00Z by me@here: the gates stay closed" in output


def test_only_host_that_answers_nothing_is_told_in_one_line(tmp_path: Path) -> None:
    silent = fake()
    silent["fake_responses"] = {}
    code, output = pyinfra(tmp_path, "-y", web1=silent)
    assert code == 1
    assert problems(output) == [
        "@fake/web1: connection: it cannot be observed, as told above. Mend it, or --limit the run."
    ]


def test_command_of_the_operators_is_told_of_a_run(tmp_path: Path) -> None:
    notices = tmp_path / "notices"
    told: dict[str, Any] = {"notify": ["tee", "-a", str(notices)]}
    other = {**told, "container_range": "10.0.0.160/27"}
    code, output = pyinfra(tmp_path, "-y", web1=fake(**told), web2=fake(**other))
    assert code == 0, output
    begun, ended = map(json.loads, notices.read_text().splitlines())
    assert (begun["outcome"], begun["hosts"]) == ("started", ["@fake/web1", "@fake/web2"])
    assert (ended["outcome"], ended["hosts"]) == ("served", ["@fake/web1", "@fake/web2"])
    assert begun["plan"] == ended["plan"]
    assert f"plan {begun['plan']}" in output


def test_failing_command_is_a_warning_and_a_dry_run_silent(tmp_path: Path) -> None:
    notices = tmp_path / "notices"
    web = fake(notify=["tee", "-a", str(notices)])
    assert pyinfra(tmp_path, "--dry", web1=web)[0] == 2
    assert not notices.exists()
    code, output = pyinfra(tmp_path, "-y", web1=fake(notify=["/nowhere"]))
    assert code == 0, output
    assert "notify: " in output
