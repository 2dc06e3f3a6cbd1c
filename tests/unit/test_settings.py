"""The inventory's words: what is wrong with a value is said once, with host, key and value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan.inventory.modes import MODES
from plan.inventory.reading import read
from plan.inventory.settings import KEYS
from plan.problems import PlanError
from tests.unit.observed import DEFAULTS

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=5,
)


def problems(environ: dict[str, str] | None = None, /, **data: Any) -> list[str]:
    try:
        read("web1", DEFAULTS | data, environ or {})
    except PlanError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_defaults_are_all_the_words_there_are_and_good() -> None:
    assert set(DEFAULTS) == set(KEYS)
    assert problems() == []


@given(st.sampled_from(KEYS), VALUES)
def test_any_value_is_taken_or_refused_in_one_line(key: str, value: Any) -> None:
    for line in problems(**{key: value}):
        assert line.startswith(f"web1: {key}: ")
        assert line.isprintable()
        assert len(line) < 400


@given(st.dictionaries(st.text(), VALUES))
def test_words_of_any_kind(data: dict[str, Any]) -> None:
    unknown = {key for key in data if not key.startswith("_")} - set(KEYS)
    assert len(problems(**data)) >= len(unknown)


@pytest.mark.parametrize("key", sorted({*KEYS} - {"environment", "secrets", "release_secrets"}))
@pytest.mark.parametrize("value", ["-v", "--help", "a\nb", "a b\0", "a\r", "\u2028"])
def test_text_that_a_shell_would_misread_is_refused(key: str, value: str) -> None:
    (line,) = problems(**{key: value})
    assert line.startswith(f"web1: {key}: ")


@pytest.mark.parametrize(
    ("key", "value", "seen", "advice"),
    [
        ("instances", [], "[] was given", "at least one"),
        ("environment", [], "cannot be used as it is", "be a dictionary of variables"),
        ("instances", [80], "[80] was given", "numbers from 1024 to 65535"),
        ("instances", ["7043"], "['7043'] was given", "numbers from 1024"),
        ("instances", [True], "[True] was given", "numbers from 1024"),
        ("instances", [7043, 7044, 7043], "was given", "7043 stands there more often"),
        ("instances", [[1], [1]], "was given", "each port once"),
        ("workers", "emails", "'emails' was given", "be a list of names"),
        ("workers", ["Emails"], "was given", "small letters, digits and hyphens, and 'Emails'"),
        ("workers", ["scheduler"], "was given", "and 'scheduler' is none"),
        ("workers", ["a", "a"], "was given", "name each worker once; a stands"),
        ("worker_command", [], "[] was given", "be a list of words"),
        ("files", [], "[] was given", "be a dictionary of files by path"),
        ("files", {"/app/../etc": "a"}, "was given", "have paths such as"),
        ("files", {"/app/a:ro": "a"}, "was given", "have paths such as"),
        ("files", {"/sys": "a"}, "was given", "leave /sys to the container itself"),
        ("files", {"/app/a": "template:"}, "was given", "say the path of a file"),
        ("volumes", {"/app/a": "x/y"}, "was given", "say the name of a volume"),
        ("volumes", {"/app/a": "v", "/app/b": "v"}, "was given", "use each volume once, and v"),
        ("volumes", {"/app": "v", "/app/b": "w"}, "was given", "not have /app/b"),
        ("release_command", "bin/ots", "'bin/ots' was given", "be a list of words such as"),
        ("release_command", [], "[] was given", "be a list of words"),
        ("release_command", ["--help"], "was given", "begin with a program"),
        ("release_command", ["a", ""], "was given", "be a list of words"),
        ("release_secrets", {"A": "hunter2"}, "cannot be used as it is", "or command:"),
        ("services", [], "[] was given", "be a dictionary of services by name"),
        (
            "services",
            {"Bad_Name": {"address": "10.0.0.9", "port": 1}},
            "'Bad_Name' was given",
            "a host name in lower case",
        ),
        ("services", {"localhost": {}}, "was given", "leave out localhost"),
        ("services", {"db2": {"port": 1}}, "db2.address is missing", "docs/settings.md"),
        ("services", {"db2": {"address": "x", "port": 1}}, "db2.address: 'x' was given", "an IPv4"),
        (
            "services",
            {"db2": {"address": "10.0.0.9", "port": 5432, "protocol": "postgres"}},
            "db2.protocol: 'postgres' was given",
            "(did you mean postgresql?)",
        ),
        (
            "services",
            {"db2": {"address": "10.0.0.9", "port": 5432, "tls": "yes"}},
            "db2.tls: 'yes' was given",
            "boolean",
        ),
        ("network_mode", "macvlna", "'macvlna' was given", "(did you mean macvlan?)"),
        ("container_range", "10.0.0.5/24", "'10.0.0.5/24' was given", "has host bits set"),
        ("container_range", "fe80::/64", "'fe80::/64' was given", "an IPv4 network such as"),
        ("publish_subnet", "127.0.0.0/24", "was given", "no host on a network has an address in"),
        ("publish_address", "0.0.0.0", "was given", "no host has the address 0.0.0.0"),  # noqa: S104
        ("db_address", "maindb", "'maindb' was given", "an IPv4 address such as 10.0.0.10, or"),
        ("db_host", "MainDB", "'MainDB' was given", "a host name in lower case"),
        ("db_port", True, "True was given", "a number from 1 to 65535"),
        ("shim", "yes", "'yes' was given", "a valid boolean"),
        ("image", "Onetime Secret", "was given", "an image reference, name:tag"),
        ("image", "app@sha256:abc", "was given", "an image reference, name:tag, name@sha256:"),
        ("image", f"app@sha256:{'a' * 64}@sha256:{'a' * 64}", "was given", "an image reference"),
        ("registry_login", {"user": "bot"}, "password is missing", "docs/settings.md says what"),
        ("registry_login", {"user": "a:b", "password": "env:X"}, "user cannot", "without a colon"),
        ("registry_login", {"user": "b", "password": "hunter2"}, "password cannot", "env:VARIABLE"),
        (
            "registry_login",
            {"registry": "https://x", "user": "b", "password": "env:X"},
            "registry cannot be used",
            "a registry such as ghcr.io",
        ),
        ("follow_tag", 1, "1 was given", "a valid boolean"),
        ("health_path", "status", "'status' was given", "a URL path that starts with /"),
        ("health_command", "sh -c 'x'", "was given", "one line without quotes"),
        ("environment", {"PORT": "80"}, "cannot be used as it is", "leave PORT out"),
        ("environment", {"A": 5}, "cannot be used as it is", "the value of A is not"),
        ("environment", {"A-B": "5"}, "cannot be used as it is", "and 'A-B' is none"),
        ("environment", {"A": "x" * 65533}, "cannot be used as it is", "A has 65535 bytes"),
        ("environment", {"N" * 300: "x"}, "cannot be used as it is", "NNN… has 300"),
        ("secrets", {"N" * 300: "env:X"}, "cannot be used as it is", "NNN… has 300"),
        (
            "environment",
            {f"V{number}": "x" * 60000 for number in range(30)},
            "cannot be used as it is",
            "less than 1.5 MiB",
        ),
        ("publish_address", "privat", "'privat' was given", "private, public, or loopback"),
        ("capabilities", "NET_RAW", "'NET_RAW' was given", "a list of the kernel's"),
        ("capabilities", ["CAP_NET_RAW"], "was given", "without CAP_"),
        ("capabilities", ["all"], "was given", "without CAP_; all of them is no list"),
        ("new_privileges", "no", "'no' was given", "a valid boolean"),
        ("read_only", 1, "1 was given", "a valid boolean"),
        ("pids", 3, "3 was given", "a number of processes from 16"),
        ("pids", True, "True was given", "a number of processes from 16"),
        ("memory", "2 GB", "'2 GB' was given", "a size such as 512m or 2g"),
        ("memory", 512, "512 was given", "a size such as 512m or 2g"),
        ("cpus", 0, "0 was given", "a number of CPUs such as 2 or 1.5"),
        ("cpus", float("nan"), "nan was given", "a number of CPUs such as 2 or 1.5"),
        ("cpus", "2", "'2' was given", "a number of CPUs such as 2 or 1.5"),
        ("timezone", "../../etc/shadow", "was given", "a time zone, as Europe/Vienna"),
        ("start_limit", 0, "0 was given", "a number of starts within ten minutes"),
        ("secrets", {"A": "hunter2"}, "cannot be used as it is", "or command:"),
    ],
)
def test_line_says_what_was_seen_and_what_it_must_be(
    key: str, value: Any, seen: str, advice: str
) -> None:
    (line,) = problems(**{key: value})
    head, _, tail = line.removeprefix(f"web1: {key}: ").partition(". It must ")
    assert seen in head
    assert advice in (tail or head)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("capabilities", ["NET_RAW", "SYS_PTRACE"]),
        ("pids", 16),
        ("memory", "512m"),
        ("cpus", 2),
        ("cpus", 0.5),
        ("timezone", "America/Argentina/Buenos_Aires"),
        ("timezone", "UTC"),
        ("start_limit", 1),
        ("publish_address", "loopback"),
        ("secrets", {"A": 'command:["pass", "show", "a b"]', "B": "env:B", "C": "file:/c"}),
    ],
)
def test_good_values_are_taken(key: str, value: Any) -> None:
    assert problems(**{key: value}) == []


@pytest.mark.parametrize("argv", ["pass show", "[]", '["pass", 1]', '{"a": 1}', '["pass"', ""])
def test_command_that_is_no_list_of_words_is_refused(argv: str) -> None:
    (line,) = problems(secrets={"A": f"command:{argv}"})
    assert "and A does not" in line


def test_private_values_are_never_quoted() -> None:
    lines = problems(environment={"KEY": "hunter2\n"}, secrets={"PASS": "hunter2"})
    assert len(lines) == 2
    assert "hunter2" not in str(lines)


def test_variable_cannot_be_both_open_and_secret() -> None:
    both = {"environment": {"A": "1", "B": "2"}, "secrets": {"A": "env:A"}}
    assert problems(**both) == [
        "web1: secrets: A is in environment too. Leave it in one of the two."
    ]


def test_unknown_words_are_refused_and_likely_ones_named() -> None:
    lines = problems(shimm=True, _mine=1, sudo=True)
    assert len(lines) == 2
    assert "web1: shimm: the deploy knows no such key" in lines[0]
    assert "(did you mean shim?)" in lines[0]
    assert "did you mean" not in lines[1]


def test_connector_words_are_none_of_ours() -> None:
    read("web1", DEFAULTS | {"ssh_user": "root"}, {}, ignored={"ssh_user"})


@pytest.mark.parametrize("key", ["network_interface", "network_subnet", "network_gateway"])
def test_environment_variables_are_checked_under_their_own_name(key: str) -> None:
    (line,) = problems({key.upper(): "-x"}, **{key: None})
    assert line.startswith(f"web1: {key.upper()}: '-x' was given. It must be an ")
    # Set but empty is not set: that is how a shell takes one back.
    assert problems({key.upper(): ""}) == []


def test_problems_are_said_all_at_once() -> None:
    data = {"instances": [80], "shimm": 1, "db_port": 0, "secrets": {"A": "x"}, "image": None}
    assert len(problems({"NETWORK_SUBNET": "x"}, **data)) == len(data) + 1


def test_missing_word_says_where_it_comes_from() -> None:
    rest = {key: value for key, value in DEFAULTS.items() if key != "db_port"}
    with pytest.raises(PlanError, match=r"web1: db_port: is missing\. group_data/all\.py"):
        read("web1", rest, {})


@pytest.mark.parametrize("mode", MODES)
def test_only_neighbours_on_the_lan_take_a_range(mode: str) -> None:
    data = {"network_mode": mode, "container_range": "10.0.0.128/27", "shim": True}
    settings = read("web1", DEFAULTS | data, {})
    assert (settings.own_range is not None) == (mode in {"macvlan", "ipvlan"})
    assert (settings.own_shim is not None) == (mode in {"macvlan", "ipvlan"})
