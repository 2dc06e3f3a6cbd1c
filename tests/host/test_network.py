"""The host's side of the network: rules, forwarding and shim come, and go without a trace."""

from __future__ import annotations

import re

import pytest

from tests.host.machine import Machine

BARRIERS = """table ip filter { # handle 1
	chain FORWARD { # handle 1
		type filter hook forward priority filter; policy drop;
	}
	chain INPUT { # handle 2
		type filter hook input priority filter; policy drop;
		tcp dport 22 accept # handle 3
		reject # handle 4
	}
}
table inet strict { # handle 2
	chain forward { # handle 1
		type filter hook forward priority filter; policy accept;
		iifname "eth0" drop # handle 3
		iifname "onetime0" accept comment "onetime 0123456789abcdef" # handle 4
		iifname "onetime0" accept comment "onetime tomorrow" # handle 5
		jump logdrop # handle 6
	}
	chain logdrop { # handle 2
		log prefix "no" # handle 7
		drop # handle 8
	}
}
table arp filter { # handle 3
	chain forward { # handle 1
		type filter hook forward priority filter; policy drop;
	}
}
table inet open { # handle 4
	chain forward { # handle 1
		type filter hook forward priority filter; policy accept;
		iifname "onetime0" accept comment "onetime 0123456789abcdef" # handle 9
	}
}
table ip onetime { # handle 5
	chain postrouting { # handle 1
		type nat hook postrouting priority srcnat - 1; policy accept;
		masquerade comment "onetime 0123456789abcdef" # handle 2
	}
}
"""


def network(machine: Machine, case: str, *arguments: str) -> list[str]:
    """Run the program of a golden release; return what it told nft, but for files."""
    directory = machine.base / "releases/1"
    release = directory if directory.exists() else machine.release(1, case)
    commands = machine.state / "nft-commands"
    commands.write_text("")
    done = machine.run(release / "host/network.sh", *arguments)
    assert done.code == 0, done.output
    return commands.read_text().splitlines()


def forwarding(machine: Machine) -> str:
    return (machine.root / "proc/sys/net/ipv4/ip_forward").read_text().strip()


@pytest.mark.parametrize("found", ["0", "1"])
def test_forwarding_is_set_and_put_back(machine: Machine, found: str) -> None:
    (machine.root / "proc/sys/net/ipv4/ip_forward").write_text(f"{found}\n")
    for _ in range(2):
        network(machine, "routed")
        assert forwarding(machine) == "1"
    for _ in range(2):
        network(machine, "routed", "off")
        assert forwarding(machine) == found
    assert not (machine.base / "found/ip_forward").exists()


def test_forwarding_is_left_alone_where_nothing_is_forwarded(machine: Machine) -> None:
    network(machine, "host")
    assert forwarding(machine) == "0"


@pytest.mark.parametrize(
    ("case", "places"),
    [
        (
            "direct",
            [
                "add rule ip filter FORWARD",
                "insert rule ip filter INPUT handle 4",
                "insert rule inet strict forward handle 6",
            ],
        ),
        ("host", ["insert rule ip filter INPUT handle 4"]),
    ],
)
def test_marked_packets_are_accepted_after_what_is_denied(
    machine: Machine, case: str, places: list[str]
) -> None:
    (machine.state / "ruleset").write_text(BARRIERS)
    commands = network(machine, case)
    data = (machine.base / "releases/1/host/network").read_text()
    (config,) = re.findall(r"^CONFIG=(.+)$", data, re.MULTILINE)
    assert [command for command in commands if command.split()[0] in {"add", "insert"}] == [
        f'{place} meta mark & 0x01000000 == 0x01000000 counter accept comment "onetime {config}"'
        for place in places
    ]


@pytest.mark.parametrize("arguments", [(), ("off",)], ids=["on", "off"])
def test_rules_of_before_go_from_every_chain(machine: Machine, arguments: tuple[str, ...]) -> None:
    """Also from one whose policy became accept meanwhile; other people's rules stay."""
    (machine.state / "ruleset").write_text(BARRIERS)
    commands = network(machine, "direct", *arguments)
    assert [command for command in commands if command.startswith("delete ")] == [
        "delete rule inet strict forward handle 4",
        "delete rule inet open forward handle 9",
    ]
    assert any(command.startswith("insert ") for command in commands) != bool(arguments)


def test_table_is_replaced_and_removed(machine: Machine) -> None:
    network(machine, "macvlan")
    rules = (machine.base / "releases/1/host/rules.nft").read_text()
    assert (machine.state / "nft-files").read_text() == rules
    assert "table ip onetime {}; delete table ip onetime" in machine.calls("nft")[-1] or network(
        machine, "macvlan", "off"
    ) == ["table ip onetime {}; delete table ip onetime"]


@pytest.mark.parametrize("stale", ["macvlan0", "ipvlan0"])
def test_shim_is_made_anew_and_removed(machine: Machine, stale: str) -> None:
    (machine.root / "sys/class/net" / stale).mkdir()
    network(machine, "shim")
    interfaces = machine.root / "sys/class/net"
    assert [path.name for path in interfaces.iterdir()] == ["macvlan0"]
    calls = machine.calls("ip")
    assert f"link delete {stale}" in calls
    assert "link add macvlan0 link eth1 address 02:00:0a:00:00:80 type macvlan mode bridge" in calls
    assert calls[-3:] == [
        "address add 10.0.0.128/32 dev macvlan0",
        "link set macvlan0 up",
        "route replace 10.0.0.128/27 dev macvlan0 src 10.0.0.128",
    ]
    conf = machine.root / "proc/sys/net"
    assert (conf / "ipv4/conf/macvlan0/arp_filter").read_text() == "1\n"
    assert (conf / "ipv6/conf/macvlan0/disable_ipv6").read_text() == "1\n"
    network(machine, "shim", "off")
    assert list(interfaces.iterdir()) == []


def test_table_that_nft_refuses_ends_it(machine: Machine) -> None:
    release = machine.release(1, "shim")
    (machine.state / "nft-fails").touch()
    assert machine.run(release / "host/network.sh").code != 0
    assert machine.calls("ip") == []
