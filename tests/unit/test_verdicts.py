"""Each answer on a path is told from the others, and its likely cause is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facts.firewall import FirewallState
from facts.paths import PathAnswer, Paths, Question
from plan.compare.verdicts import failures, question, unasked
from tests.unit.kernel import answers_text
from tests.unit.planned import observed, plan_one

MACVLAN = plan_one(observed())
DIRECT = plan_one(observed(network_mode="direct", db_address="10.0.0.10"))


@pytest.mark.parametrize(
    "answer",
    [
        "+PONG",
        "-NOAUTH Authentication required.",
        "-NOPERM this user has no permissions to run the 'ping' command",
        "-LOADING Redis is loading the dataset in memory",
        "-ERR unknown command 'PING'",
        "answered: P",
        "answered: ",
        "bash: read error: 0: Connection reset by peer\nanswered: ",
    ],
)
def test_database_that_answers_anything_is_reached(answer: str) -> None:
    assert list(failures("h", question(MACVLAN), [PathAnswer(7043, "database", answer)])) == []


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("", "packets are dropped on the way"),
        ("timeout", "packets are dropped on the way"),
        ('Error: no such object: "onetime-7043"', "journalctl -u onetime@7043.service"),
        ("bash: maindb: Name or service not known", "cannot resolve maindb: set db_address"),
        ("bash: maindb: Temporary failure in name resolution", "cannot resolve maindb"),
        ("bash: connect: Connection refused", "nothing listens on port 6379"),
        ("bash: connect: No route to host", "nobody answers for the address"),
        ("bash: connect: Network is unreachable", "(network_mode macvlan)"),
    ],
)
def test_database_that_is_not_reached_has_its_cause(answer: str, cause: str) -> None:
    (line,) = failures("h", question(MACVLAN), [PathAnswer(7043, "database", answer)])
    assert line.startswith("h: instance 7043 to the database maindb:6379: ")
    assert (answer or "no answer") in line
    assert cause in line


@pytest.mark.parametrize(
    ("path", "answer", "cause"),
    [
        ("127.0.0.1", "HTTP/1.1 500 Internal Server Error", "the app is up and not healthy"),
        ("127.0.0.1", "HTTP/1.0", "the app is up and not healthy"),
        ("127.0.0.1", "bash: connect: Connection refused", "journalctl -u onetime@7043"),
        ("127.0.0.1", "timeout", "a rule of the host's own firewall comes before"),
        ("10.0.0.15", "timeout", "past the connection tracking"),
    ],
)
def test_port_that_does_not_answer_has_its_cause(path: str, answer: str, cause: str) -> None:
    (line,) = failures("h", question(MACVLAN), [PathAnswer(7043, f"host/{path}", answer)])
    assert line.startswith(f"h: instance 7043 on http://{path}:7043/api/v2/status: {answer}. ")
    assert cause in line


def test_port_that_answers_is_no_failure() -> None:
    assert (
        list(
            failures(
                "h", question(MACVLAN), [PathAnswer(7043, "host/127.0.0.1", "HTTP/1.0 200 OK")]
            )
        )
        == []
    )


def test_mode_without_rules_of_its_own_blames_the_hosts() -> None:
    (line,) = failures("h", question(DIRECT), [PathAnswer(7043, "host/10.0.0.15", "timeout")])
    assert "a rule of the host's own firewall comes before" in line


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("timeout", "a chain of the host's firewall drops or rejects"),
        ("bash: connect: No route to host", "a chain of the host's firewall drops or rejects"),
        ("HTTP/1.0 503 Service Unavailable", "the app is up and not healthy"),
        ("HTTP/1.0 200 OK", None),
    ],
)
def test_client_beyond_the_host_sees_its_firewall(answer: str, cause: str | None) -> None:
    lines = list(failures("h", question(MACVLAN), [PathAnswer(7043, "beyond/10.0.0.15", answer)]))
    assert len(lines) == (cause is not None)
    for line in lines:
        assert "on http://10.0.0.15:7043/api/v2/status from beyond the host: " in line
        assert str(cause) in line


@pytest.mark.parametrize(
    ("path", "answer", "cause"),
    [
        ("names", "answered", None),
        ("names", "unused", None),
        ("names", 'Error: no such object: "onetime-7043"', None),
        ("names", "timeout", "port 53 of their bridge"),
        ("names", "bash: connect: Network is unreachable", "port 53 of their bridge"),
        ("out", "bash: connect: Connection refused", None),
        ("out", 'Error: no such object: "onetime-7043"', None),
        ("out", "timeout", "drops what containers send"),
        ("out", "bash: connect: No route to host", "drops what containers send"),
    ],
)
def test_names_and_the_way_out_are_judged(path: str, answer: str, cause: str | None) -> None:
    lines = list(failures("h", question(MACVLAN), [PathAnswer(7043, path, answer)]))
    assert len(lines) == (cause is not None)
    assert all(str(cause) in line for line in lines)


@pytest.mark.parametrize(
    ("kind", "data", "addresses", "beyond"),
    [
        ("plain", {}, ("127.0.0.1", "10.0.0.15"), "10.0.0.15"),
        ("plain", {"publish_address": "203.0.113.15"}, ("203.0.113.15",), "203.0.113.15"),
        ("plain", {"publish_address": "127.0.0.1"}, ("127.0.0.1",), None),
        (
            "nocard",
            {"network_mode": "direct", "db_address": "192.0.2.9"},
            ("127.0.0.1",),
            "169.254.43.1",
        ),
    ],
)
def test_ports_are_asked_where_they_are_published(
    kind: str, data: dict[str, Any], addresses: tuple[str, ...], beyond: str | None
) -> None:
    asked = question(plan_one(observed(kind, **data)))
    assert (asked.addresses, asked.beyond) == (addresses, beyond)
    assert asked.name_server == "10.89.43.1"


def test_host_mode_has_no_bridge_to_ask_about() -> None:
    asked = question(plan_one(observed(network_mode="host")))
    assert asked.name_server is None
    assert asked.beyond == "10.0.0.15"


def test_what_cannot_be_asked_is_said() -> None:
    nothing = FirewallState({}, frozenset(), {}, frozenset(), None)
    assert unasked(nothing) == ""
    chains = frozenset({"netdev edge incoming", "inet mine raw"})
    assert "inet mine raw, netdev edge incoming" in unasked(replace(nothing, unseen=chains))


def test_paths_are_asked_all_at_once_and_read_by_port() -> None:
    asked = Question(
        (7043,),
        ("127.0.0.1",),
        "10.0.0.15",
        "/a b",
        "maindb",
        6380,
        "10.89.43.1",
        "onetime",
        "direct",
        None,
    )
    command = Paths().command(**asked.words)
    for line in (
        "7043/host/127.0.0.1 page 127.0.0.1 7043 '/a b'",
        "7043/beyond/10.0.0.15 page_beyond 10.0.0.15 7043 '/a b'",
        "7043/database greeting onetime-7043 redis maindb 6380",
        "7043/names name_server onetime-7043 10.89.43.1 onetime-7043",
        "7043/out way_out onetime-7043",
    ):
        assert f"say {line} & " in command
    without = Paths().command(**replace(asked, beyond=None, name_server=None).words)
    assert "say 7043/host/" in without
    assert not any(f"say 7043/{path}" in without for path in ("beyond", "names", "out"))
    text = answers_text({"7043/database": "+PONG\r\n", "7043/host/127.0.0.1": ""})
    answers = Paths().process(text)
    assert answers == (
        PathAnswer(7043, "database", "+PONG"),
        PathAnswer(7043, "host/127.0.0.1", ""),
    )
    assert [answer.address for answer in answers] == ["", "127.0.0.1"]
