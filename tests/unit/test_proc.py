"""The parsers read back whatever a kernel may print."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facts import proc
from facts.proc import Listener, Route
from tests.unit import kernel
from tests.unit.observed import KINDS, proc_text

# dev_valid_name() in the kernel: no space, no slash, no colon, at most 15 bytes, not . or ..
NAMES = (
    st.text(st.characters(codec="utf-8", exclude_characters="/:"), min_size=1, max_size=15)
    .filter(lambda name: len(name.encode()) < 16 and name not in {".", "..", "*"})
    .filter(lambda name: name.isprintable() and not any(map(str.isspace, name)))
)
NETWORKS = st.builds(
    lambda number, prefix: IPv4Network((number, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
METRICS = st.integers(0, 2**32 - 1)
ROUTES = st.builds(Route, NAMES, NETWORKS, st.none() | st.ip_addresses(v=4), METRICS)
OWN = st.ip_addresses(v=4).filter(lambda address: not address.is_loopback)
LISTENERS = st.builds(Listener, st.ip_addresses(), st.integers(1, 65535))
LOOPBACK = {IPv4Address("127.0.0.1"): ["/32 host LOCAL"]}


@given(st.lists(ROUTES))
def test_routes(routes: list[Route]) -> None:
    lines = [kernel.route_line(r.interface, r.destination, r.gateway, r.metric) for r in routes]
    assert proc.parse_routes(kernel.route_text(lines)) == tuple(routes)


@given(ROUTES, ROUTES)
def test_routes_that_lead_nowhere_are_left_out(good: Route, bad: Route) -> None:
    line = (bad.destination, bad.gateway, bad.metric)
    lines = [
        kernel.route_line("*", *line),
        kernel.route_line("*", *line, flags=0x201),
        kernel.route_line(bad.interface, *line, flags=0x0),
        kernel.route_line(good.interface, good.destination, good.gateway, good.metric),
    ]
    assert proc.parse_routes(kernel.route_text(lines)) == (good,)


@given(st.lists(NAMES, min_size=1, unique=True), st.integers(0, 2**64 - 1))
@example(["face", "Inter-|"], 0)
def test_interfaces(names: list[str], counter: int) -> None:
    assert proc.parse_interfaces(kernel.dev_text(names, counter)) == tuple(names)
    # Older kernels put no space before the first counter.
    tight = kernel.dev_text(names, counter).replace(": ", ":")
    assert proc.parse_interfaces(tight) == tuple(names)


@given(st.dictionaries(NAMES, st.integers(0, 2**18 - 1), min_size=1))
def test_links_up(flags: dict[str, int]) -> None:
    text = "".join(f"{name} {value:#x}\n" for name, value in flags.items())
    assert proc.parse_links_up(text) == {name for name, value in flags.items() if value % 2}


@given(st.sets(OWN), st.sets(OWN), st.booleans())
def test_addresses(own: set[IPv4Address], others: set[IPv4Address], merged: bool) -> None:
    """Both with one trie for the tables main and local, which is usual, and with two."""
    local = {address: ["/32 host LOCAL"] for address in sorted(own)}
    main = {
        address: ["/24 link UNICAST", "/16 universe UNICAST tos=16", "/32 link BROADCAST"]
        for address in sorted(others - own)
    }
    both = {**main, **LOOPBACK, **local}
    tables = {"Main": both, "Local": both} if merged else {"Main": main, "Local": local | LOOPBACK}
    assert proc.parse_addresses(kernel.trie_text({"Id 52": main, **tables})) == tuple(sorted(own))


@given(st.lists(LISTENERS), st.lists(LISTENERS), st.booleans())
def test_listeners(listening: list[Listener], connected: list[Listener], ipv6: bool) -> None:
    def text(version: int) -> str:
        lines = [
            kernel.tcp_line(number, one.address, one.port, state)
            for state, ones in ((0x0A, listening), (0x01, connected))
            for number, one in enumerate(ones)
            if one.address.version == version
        ]
        return kernel.tcp_text(lines)

    seen = proc.parse_listeners(text(4), text(6) if ipv6 else "")
    expected = {
        Listener(getattr(one.address, "ipv4_mapped", None) or one.address, one.port)
        for one in listening
        if ipv6 or one.address.version == 4
    }
    assert seen == expected


def test_ipv4_address_on_an_ipv6_socket_is_an_ipv4_listener() -> None:
    line = kernel.tcp_line(0, IPv6Address("::ffff:10.0.0.11"), 7043, 0x0A)
    seen = proc.parse_listeners(kernel.tcp_text([]), kernel.tcp_text([line]))
    assert seen == {Listener(IPv4Address("10.0.0.11"), 7043)}


@pytest.mark.parametrize("kind", KINDS)
def test_writers_print_as_the_kernel_does(kind: str) -> None:
    """The second opinion is worth something: it reproduces the captured text."""
    text = proc_text(kind, "route")
    routes = [line for line in text.splitlines()[1:] if not line.startswith("*")]
    lines = [
        kernel.route_line(r.interface, r.destination, r.gateway, r.metric, flags=int(flags, 16))
        for r, flags in zip(
            proc.parse_routes(text), (line.split()[3] for line in routes), strict=True
        )
    ]
    assert kernel.route_text(lines) == "".join(
        f"{line}\n" for line in text.splitlines() if not line.startswith("*")
    )
    heads = ((kernel.DEV_HEAD, "dev"), (kernel.TCP_HEAD, "tcp"))
    for head, name in heads:
        assert proc_text(kind, name).startswith(head)
