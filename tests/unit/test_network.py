"""What a host says of its network, as one value."""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.neighbours import Neighbours
from facts.network import Network
from facts.proc import Listener
from tests.unit.kernel import answers_text
from tests.unit.observed import network, proc_answers

MACS = st.binary(min_size=6, max_size=6).map(lambda raw: raw.hex(":"))
# As `ip neigh show` prints them; only a confirmed entry says that somebody is there now.
CONFIRMED = {"REACHABLE", "PERMANENT"}
STATES = st.sampled_from([*sorted(CONFIRMED), "STALE", "DELAY", "PROBE", "NOARP"])
SILENT = st.sampled_from(["INCOMPLETE", "FAILED"])


@given(
    st.dictionaries(st.ip_addresses(v=4), st.tuples(MACS, STATES, st.booleans())),
    st.dictionaries(st.ip_addresses(v=4), SILENT),
)
def test_neighbours_are_those_confirmed(
    known: dict[IPv4Address, tuple[str, str, bool]], silent: dict[IPv4Address, str]
) -> None:
    lines = [f"{address} dev eth1 {state} " for address, state in silent.items()]
    lines += [
        f"{address} dev eth1 lladdr {mac} {'router ' if router else ''}{state} "
        for address, (mac, state, router) in known.items()
    ]
    text = "".join(f"{line}\n" for line in lines)
    answering = Neighbours().process(answers_text({"neighbours": text}))
    assert answering == {
        address: mac for address, (mac, state, _) in known.items() if state in CONFIRMED
    }


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.10       STREAM maindb\n10.0.0.10       DGRAM  \n", "10.0.0.10"),
        ("10.0.0.9 STREAM maindb\n10.0.0.10 STREAM \n", "10.0.0.9"),
        ("", None),
    ],
)
def test_name_resolves_to_the_first_address(text: str, address: str | None) -> None:
    fact = Network().process(answers_text(proc_answers("plain") | {"resolved": text}))
    assert fact.resolved == (address and IPv4Address(address))


def test_real_host() -> None:
    host = network("plain-deployed")
    assert host.interfaces == ("lo", "eth0", "eth1", "macvlan0", "onetime0", "veth0", "veth1")
    assert host.up == set(host.interfaces)
    assert [str(a) for a in host.addresses] == [
        "10.0.0.15",
        "10.0.0.56",
        "10.89.43.1",
        "203.0.113.15",
    ]
    # 53 is Podman's name server on the bridge.
    assert {one.port for one in host.listeners} == {22, 53}
    assert Listener(IPv4Address(0), 22) in host.listeners


def test_names_and_addresses_reach_the_shell_quoted() -> None:
    assert shlex.quote("a b; rm -rf /") in Network().command(db_host="a b; rm -rf /")
    assert shlex.quote("$(reboot)") in Neighbours().command(["10.0.0.1", "$(reboot)"])
