"""The host's firewall, as its own program reads it and as the fact parses that."""

from __future__ import annotations

import pytest

from facts.firewall import FirewallState, Translation
from tests.unit.rulesets import chain, program, read, table

DIGEST = "0123456789abcdef"
MARKED = "meta mark & 0x01000000 == 0x01000000 counter packets 9 bytes 9 accept"
OURS = f'{MARKED} comment "onetime {DIGEST}"'
# As `nft -a --terse list ruleset` prints it, with what other tools put there.
RULESET = f"""\
table ip nat {{ # handle 1
	chain PREROUTING {{ # handle 1
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 8080 counter packets 0 bytes 0 dnat to 172.17.0.2:80 # handle 2
		tcp dport @mapped dnat to 172.17.0.3 # handle 3
	}}
}}
table ip filter {{ # handle 2
	chain INPUT {{ # handle 1
		type filter hook input priority filter; policy accept;
	}}
	chain FORWARD {{ # handle 2
		type filter hook forward priority filter; policy drop;
		{OURS} # handle 3
		iifname "eth0" accept comment "onetime of somebody else" # handle 4
	}}
}}
table ip onetime {{ # handle 3
	chain postrouting {{ # handle 1
		type nat hook postrouting priority srcnat - 1; policy accept;
		ct status dnat masquerade comment "onetime 0123456789abcdef" # handle 2
		ct status dnat masquerade comment "onetime 0123456789abcdee" # handle 3
	}}
	chain guard {{ # handle 4
		type filter hook prerouting priority raw; policy accept;
		iifname != "lo" ip daddr 127.0.0.0/8 drop comment "onetime 0123456789abcdee" # handle 5
	}}
}}
table inet netavark {{ # handle 4
	chain NETAVARK-DNAT {{ # handle 1
		tcp dport 7043 jump nv_1 # handle 2
		ip daddr 10.0.0.15 tcp dport 7043 dnat ip to 10.89.43.2:3000 # handle 3
	}}
}}
table bridge filter {{ # handle 5
	chain forward {{ # handle 1
		type filter hook forward priority filter; policy drop;
	}}
}}
"""


def test_ruleset_is_read_for_what_concerns_the_deploy() -> None:
    state = read(RULESET)
    assert state.barriers == {"ip filter FORWARD": "forward"}
    assert state.unseen == frozenset()
    assert state.rules == {
        "ip filter FORWARD": ("0123456789abcdef",),
        "ip onetime postrouting": ("0123456789abcdef", "0123456789abcdee"),
        "ip onetime guard": ("0123456789abcdee",),
    }
    assert state.translated == {Translation(8080, 8080, None)}
    assert state.trusted is None


def test_no_ruleset_is_an_empty_firewall() -> None:
    assert read("") == FirewallState({}, frozenset(), {}, frozenset(), None)


@pytest.mark.parametrize("hook", ["forward", "input"])
@pytest.mark.parametrize(
    ("rules", "policy", "place"),
    [
        ([], "drop", "end"),
        (["ip saddr 192.0.2.1 drop", "ct state invalid drop"], "drop", "end"),
        (["drop"], "accept", "10"),
        (["reject"], "accept", "10"),
        (["counter packets 7 bytes 420 reject with icmp host-prohibited"], "accept", "10"),
        (["tcp dport 22 accept", "reject with icmpx admin-prohibited"], "accept", "11"),
        (['counter packets 0 bytes 0 xt target "REJECT"'], "accept", "10"),
        (["counter packets 0 bytes 0 # xt_DROP"], "accept", "10"),
        (['log prefix "accept # handle 3 " level info drop comment "tail"'], "accept", "10"),
        (["log", "limit rate 1/second drop", "jump last"], "accept", "12"),
        (["goto last"], "accept", "10"),
        (["jump open", "jump nothing", "jump last"], "drop", "12"),
        (["jump nothing"], "drop", "end"),
        (["goto nothing"], "drop", "10"),
    ],
)
def test_chain_that_drops_is_a_barrier(
    rules: list[str], policy: str, place: str, hook: str
) -> None:
    called = (
        chain("last", "counter packets 1 bytes 1", "jump deeper"),
        chain("deeper", "meta l4proto tcp reject with tcp reset", "reject"),
        chain("nothing", "return", "drop"),
        chain("open", "ip saddr 10.0.0.0/8 accept"),
    )
    text = table(*called, chain("mine", *rules, hook=hook, policy=policy))
    assert program(text) == f"barrier {hook} inet filter mine {place}\n"


@pytest.mark.parametrize(
    ("rules", "policy"),
    [
        ([], "accept"),
        (["accept"], "drop"),
        (["accept", "drop"], "accept"),
        (["ip saddr 192.0.2.1 drop"], "accept"),
        (["limit rate 1/second drop"], "accept"),
        (["jump logging"], "accept"),
        (["counter packets 0 bytes 0 jump all"], "drop"),
    ],
)
def test_chain_that_lets_through_is_none(rules: list[str], policy: str) -> None:
    called = (chain("logging", 'log prefix "drop"'), chain("all", "accept"))
    assert program(table(*called, chain("mine", *rules, hook="forward", policy=policy))) == ""


@pytest.mark.parametrize(
    "name", ["inet firewalld", "inet firewalld_policy_drop", "ip onetime", "inet onetime-gate-7043"]
)
def test_tables_with_keepers_of_their_own_are_no_barriers(name: str) -> None:
    assert program(table(chain("mine", "drop", hook="forward"), name=name)) == ""


def test_sets_are_no_rules() -> None:
    text = "\tset drop { # handle 3\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n"
    assert program(table(text, chain("mine", hook="forward"))) == ""


def test_rule_that_iptables_has_restored_is_known_by_its_mark() -> None:
    """Its comment is there, and nft shows none; without a digest it is replaced."""
    text = table(chain("mine", MARKED.replace("counter", " counter"), "drop", hook="forward"))
    assert read(text).rules == {"inet filter mine": ("0",)}


@pytest.mark.parametrize(
    ("rules", "digest"),
    [
        ([OURS, "drop"], "0123456789abcdef"),
        (["drop", OURS], "0"),
        (["jump last", OURS], "0"),
        ([OURS], "0123456789abcdef"),
    ],
)
def test_rule_that_nothing_comes_to_any_more_is_told(rules: list[str], digest: str) -> None:
    text = table(chain("last", "drop"), chain("mine", *rules, hook="forward"))
    assert read(text).rules == {"inet filter mine": (digest,)}


@pytest.mark.parametrize(
    ("name", "hook", "policy", "rules", "unseen"),
    [
        ("netdev edge", 'ingress device "eth0"', "accept", ["tcp dport 7043 drop"], True),
        ("netdev edge", 'ingress device "eth0"', "drop", [], True),
        ("inet mine", "prerouting", "accept", ["jump called"], True),
        ("inet mine", "prerouting", "accept", ["meta nfproto ipv6 fib saddr drop"], False),
        ("inet mine", "prerouting", "accept", ["tcp dport 22 accept"], False),
        ("inet mine", "output", "accept", ["drop"], False),
    ],
)
def test_chain_that_no_question_meets_is_told(
    name: str, hook: str, policy: str, rules: list[str], unseen: bool
) -> None:
    text = table(
        chain("called", "ip saddr 192.0.2.1 reject"),
        chain("early", *rules, hook=hook, policy=policy),
        name=name,
    )
    assert read(text).unseen == (frozenset({f"{name} early"}) if unseen else frozenset())


def test_sources_that_firewalld_trusts_are_read() -> None:
    assert read("", 'as 2 "10.89.43.0/24" "10.1.0.0/16"\n').trusted == frozenset(
        {"10.89.43.0/24", "10.1.0.0/16"}
    )
    assert read("", "as 0\n").trusted == frozenset()
