"""Which release to go back to, and whether a host has anything of the deploy's at all."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from facts.podman import Container, PodmanNetwork, PodmanSecret
from facts.release import About, Kept, KeptRelease, ReleaseTexts
from facts.shim import Shim
from plan.compare.releases import (
    current_release,
    earlier_release,
    has_traces,
    read_kept,
    restarts,
)
from plan.compare.verdicts import question, question_file
from plan.problems import PlanError
from tests.unit.kernel import answers_text
from tests.unit.planned import altered, fresh, observed, plan_one

CURRENT = "/etc/onetime/current"
ABOUT = About("2026-01-01T00:00:00Z", "me@here", "0123456789abcdef")


def host(
    current: str | None = "releases/7",
    kept: tuple[int, ...] = (3, 5, 7, 9),
    marks: dict[int, str] | None = None,
) -> Any:
    links = {} if current is None else {CURRENT: current}
    marks = dict.fromkeys(kept, "served") | (marks or {})
    return altered(fresh(), links=links, kept=dict.fromkeys(kept, ABOUT), marks=marks)


@pytest.mark.parametrize(
    ("link", "number"),
    [("releases/7", 7), (None, None), ("/tmp/x", None), ("releases/x", None)],
)
def test_current_release_is_where_the_link_leads(link: str | None, number: int | None) -> None:
    assert current_release(host(link)) == number


@pytest.mark.parametrize(("asked", "to"), [(None, 5), (3, 3), (9, 9)])
def test_earlier_release_is_the_one_before_or_the_one_asked_for(asked: object, to: int) -> None:
    assert earlier_release("h", host(), asked) == (7, to)


def test_releases_that_failed_or_never_served_are_passed_over() -> None:
    state = host(kept=(2, 3, 4, 5, 7), marks={5: "failed", 4: "", 3: "served"})
    assert earlier_release("h", state, None) == (7, 3)


@pytest.mark.parametrize(
    ("state", "asked", "message"),
    [
        (host(marks={5: "failed"}), 5, "5 was asked for, which failed. "),
        (host(marks={5: ""}), 5, "5 was asked for, which never served. "),
        (
            host(kept=(5, 7), marks={5: "failed"}),
            None,
            "there is none before the current one that served. The host keeps 5 (2026-01-01",
        ),
        (
            host(kept=(7,)),
            None,
            "there is none before the current one that served. The host keeps no other",
        ),
        (
            host(),
            7,
            "7 was asked for, which is the current one. The host keeps 3 (2026-01-01T00",
        ),
        (host(), 4, "4 was asked for, which is not there. "),
        (host(), "3", "3 was asked for, which is not there. "),
        (host(None), None, "the current one is None"),
    ],
)
def test_release_that_is_not_there_is_refused(state: Any, asked: object, message: str) -> None:
    with pytest.raises(PlanError) as raised:
        earlier_release("h", state, asked)
    assert "  - h: release: " in str(raised.value)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "trace",
    [
        {"links": {CURRENT: "releases/1"}},
        {"kept": {1: ABOUT}},
        {"secrets": {"onetime-KEY-1": PodmanSecret("onetime-KEY-1", "0")}},
        {"rules": {"ip onetime postrouting": ("0",)}},
        {"shim": Shim("macvlan0", "eth1", "macvlan", "", True, frozenset(), frozenset())},
        {"containers": {"onetime-7043": Container("onetime-7043", False, "0")}},
        {"networks": {"onetime": PodmanNetwork("onetime", (), "0")}},
    ],
    ids=lambda trace: next(iter(trace)),
)
def test_anything_of_the_deploys_is_a_trace(trace: dict[str, Any]) -> None:
    assert has_traces(altered(fresh(), **trace))


def test_things_of_others_are_no_trace() -> None:
    others = {
        "containers": {"onetime-7043": Container("onetime-7043", True, None)},
        "networks": {"onetime": PodmanNetwork("onetime", (), None)},
    }
    assert not has_traces(altered(fresh(), **others))


def test_texts_are_read_by_the_number_of_their_path() -> None:
    command = ReleaseTexts().command(["quadlet/a b", "environment"])
    assert "'/etc/onetime/current/quadlet/a b'" in command
    texts = ReleaseTexts().process(answers_text({"0": "QT0xCg==", "1": "/w=="}))
    assert texts == {"0": "A=1\n", "1": "\N{REPLACEMENT CHARACTER}"}


QUESTION = question_file(plan_one(observed())).content


def kept(**answers: str) -> KeptRelease:
    told = {"broken": "", "configs": "", "question": QUESTION, **answers}
    return Kept().process(answers_text(told))


def test_kept_release_says_what_it_would_do() -> None:
    configs = (
        "quadlet/onetime@7043.container.d/config.conf:Label=onetime.config=aa\n"
        "quadlet/onetime@7044.container.d/config.conf:Label=onetime.config=bb\n"
        "quadlet/onetime@7045.container.d/config.conf:Label=onetime.config=cc\n"
        "quadlet/onetime@7046.container.d/config.conf:Label=onetime.config=dd\n"
    )
    release = kept(configs=configs)
    assert read_kept("h", 3, release) == question(plan_one(observed()))
    live = {
        "onetime-7043": Container("onetime-7043", True, "aa", image="1"),
        "onetime-7044": Container("onetime-7044", True, "aa", image="1"),
        "onetime-7045": Container("onetime-7045", True, "cc", image="2"),
    }
    about = About("2026-01-01T00:00:00Z", "me@here", "1")
    assert restarts(release, about, altered(fresh(), containers=live)) == (7044, 7045, 7046)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            {"broken": "sha256sum: ./environment: No such file or directory\n"},
            "h: release: release 3 is not what it was: sha256sum: ./environment: No such file",
        ),
        ({"question": ""}, "release 3 does not say what to ask about its paths"),
        ({"question": '{"ports": 5}'}, "release 3 does not say what to ask about its paths"),
    ],
)
def test_kept_release_that_is_not_whole_is_refused(answers: dict[str, str], message: str) -> None:
    with pytest.raises(PlanError) as raised:
        read_kept("h", 3, kept(**answers))
    assert message in str(raised.value)


def test_files_of_a_kept_release_are_checked_where_they_are(tmp_path: Path) -> None:
    release = tmp_path / "3"
    (release / "quadlet").mkdir(parents=True)
    for name in ("quadlet/a", "quadlet/b", "environment"):
        (release / name).write_text(name)
    names = sorted(str(file.relative_to(release)) for file in release.rglob("*") if file.is_file())
    digests = subprocess.run(
        ["sha256sum", *(f"./{name}" for name in names)],
        cwd=release,
        capture_output=True,
        text=True,
        check=True,
    )
    (release / "digests").write_text(digests.stdout)
    command = Kept().command(3).replace("/etc/onetime/releases", str(tmp_path))

    def broken() -> tuple[str, ...]:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        return Kept().process(done.stdout.splitlines()).broken

    assert broken() == ()
    (release / "quadlet/a").write_text("edited")
    (release / "quadlet/b").unlink()
    assert [line.split(":")[0] for line in broken() if "FAILED" in line] == [
        "./quadlet/a",
        "./quadlet/b",
    ]
