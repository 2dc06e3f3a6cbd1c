"""Text that no kernel wrote is a clear `ValueError`, and never anything else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyinfra.api.exceptions import FactProcessError

from facts import proc
from facts.neighbours import Neighbours
from facts.network import HostNetwork, Network
from tests.unit.hostile import mutated
from tests.unit.kernel import answers_text
from tests.unit.observed import KINDS, proc_answers, proc_text

PARSERS: dict[str, Callable[[str], object]] = {
    "route": proc.parse_routes,
    "dev": proc.parse_interfaces,
    "fib_trie": proc.parse_addresses,
    "tcp": lambda text: proc.parse_listeners(text, ""),
    "tcp6": lambda text: proc.parse_listeners(proc_text("plain", "tcp"), text),
    "up": proc.parse_links_up,
}
each_parser = pytest.mark.parametrize("name", PARSERS)


def refused(name: str, text: str) -> str | None:
    """Return the error of a parser, none if it takes the text; any other exception goes through."""
    try:
        PARSERS[name](text)
    except ValueError as error:
        return str(error)
    return None


@each_parser
@given(text=st.text())
def test_arbitrary_text(name: str, text: str) -> None:
    refused(name, text)


@each_parser
@given(data=st.data())
def test_mutated_text(name: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    error = refused(name, data.draw(mutated(proc_text(kind, name))))
    if error is not None:
        assert error.startswith(("/proc/net/", "/sys/class/net"))
        assert error.isprintable()
        assert len(error) < 500


@each_parser
def test_every_cut(name: str) -> None:
    """Between two lines a cut may go unseen by one parser; the protocol's end marker sees it."""
    text = proc_text("plain-deployed", name)
    for end in range(len(text)):
        error = refused(name, text[:end])
        whole_lines = text[:end].endswith("\n") or (name == "tcp6" and end == 0)
        assert error is not None or whole_lines, f"cut at {end}"


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("route", "", "/proc/net/route is empty or does not start as the kernel writes it"),
        ("route", "cat: /proc/net/route: No such file\n", "does not start as the kernel writes"),
        ("dev", "Inter-|\n face |\n", "/proc/net/dev lists no interface, not even lo"),
        ("dev", "Inter-|\n face |\n    lo: 1 2 3\n", "line 3: 16 fields expected in ' 1 2 3'"),
        ("fib_trie", "Main:\n     |-- 10.0.0.1\n", "holds no loopback address: it is cut off"),
        ("fib_trie", "Main:\n     /32 host LOCAL\n", "line 2: '/32 host LOCAL' belongs to no addr"),
        ("fib_trie", "Main:\n     |-- 10.0.0.256\n", "line 2: '10.0.0.256' is no address"),
        ("up", "eth0 0x1003\neth1 up\n", "/sys/class/net, line 2: 'up' is no number"),
        ("tcp", "  sl  local\n   0: 0100007F:1B83\n", "line 2: 10 fields expected"),
    ],
)
def test_error_says_where_and_what(name: str, text: str, complaint: str) -> None:
    assert complaint in (refused(name, text) or "")


@pytest.mark.parametrize("field", range(11))
@pytest.mark.parametrize("value", ["", "x", "1_0", "-1", "٣", "9" * 5000, "0000000g"])
def test_every_field_of_a_route_is_checked(field: int, value: str) -> None:
    unused = {4, 5, 8, 9, 10}
    head, line = proc_text("plain", "route").splitlines()[:2]
    fields = line.split()
    fields[field] = value
    error = refused("route", f"{head}\n" + "\t".join(fields) + "\n")
    harmless = value and (field in unused or (field == 0 and len(value) < 16))
    # A gateway is read where the flags say that there is one, as they do here.
    assert harmless or (error is not None and "line 2" in error)


ANSWERS = proc_answers("plain", "10.0.0.10")
NEIGHBOURS = "10.0.0.128 dev eth1 lladdr 02:00:0a:00:00:80 REACHABLE \n"


def read(lines: list[str]) -> HostNetwork | None:
    """Return what the fact makes of the lines, none if it fails this host alone."""
    try:
        return Network().process(lines)
    except FactProcessError:
        return None


@given(name=st.sampled_from(sorted(ANSWERS)), data=st.data())
def test_answer_that_is_garbled(name: str, data: st.DataObject) -> None:
    text = data.draw(st.binary(max_size=200) | mutated(ANSWERS[name]) | st.text())
    read(answers_text({**ANSWERS, name: text}))


@given(st.binary(max_size=200) | mutated(NEIGHBOURS) | st.text())
def test_neighbours_that_are_garbled(text: str | bytes) -> None:
    with suppress(FactProcessError):
        Neighbours().process(answers_text({"neighbours": text}))


@given(name=st.sampled_from(sorted(ANSWERS)))
def test_answer_that_is_missing(name: str) -> None:
    rest = {key: text for key, text in ANSWERS.items() if key != name}
    assert read(answers_text(rest)) is None
    assert read(answers_text(ANSWERS)) is not None


@given(data=st.data())
def test_output_that_is_cut_off_or_garbled(data: st.DataObject) -> None:
    whole = "\n".join(answers_text(ANSWERS))
    end = data.draw(st.integers(0, len(whole) - 1))
    assert read(whole[:end].split("\n")) is None
    read(data.draw(mutated(whole)).split("\n"))
    read(data.draw(st.lists(st.text())))


def test_card_without_its_counters() -> None:
    heading, faces, *_ = proc_text("plain", "dev").splitlines()
    assert "line 3: no interface name in 'eth0'" in (
        refused("dev", "\n".join([heading, faces, "eth0", ""])) or ""
    )
