"""wireguard: a tunnel per instance, and nothing but the database behind it.

Each instance has a sidecar, whose network it shares. The sidecar is on the bridge, publishes the
port, and makes the tunnel: by the host's kernel where that can, else by `wireguard-go`. Everything
but the database leaves by the bridge, as in the mode `direct`. Each tunnel has a key and an address
of its own: of two with one key the peer serves one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from pathlib import Path

from names import SIDECAR, container, unit
from plan.inventory.tunnels import Peer, Wireguard, is_key, preshared_key, private_key
from plan.model import File, ModePlan, Sidecar
from plan.modes import bridge
from plan.modes.guard import plan_guard
from plan.problems import Problems
from plan.release import render
from plan.release.programs import data_file, program
from plan.situation import Situation

# How old a handshake may be beyond the keepalive's interval: older, and the keys have expired.
_EXPIRY = 180


def plan(situation: Situation) -> ModePlan:
    """Plan the bridge, the sidecars and their tunnels.

    Raises `PlanError` where keys, addresses, peers and instances do not fit.
    """
    settings = situation.settings
    _refuse(situation)
    database = settings.db_address
    assert settings.wireguard is not None  # noqa: S101 - refused above
    assert isinstance(database, IPv4Address)  # noqa: S101 - refused above
    peers = [(peer, _allowed(peer, situation)) for peer in settings.wireguard.peers]
    leading = next(p for p, allowed in peers if any(database in network for network in allowed))
    names = {secret.variable: secret.name for secret in situation.secrets}
    shared = {
        index: names[preshared_key(index)]
        for index, (peer, _) in enumerate(peers)
        if peer.preshared_key is not None
    }
    userspace = "wireguard" not in situation.drivers
    files = (
        program("tunnel.sh"),
        data_file(
            "tunnel",
            {
                "USERSPACE": int(userspace),
                "LEADING": leading.public_key,
                "EXPIRY": _EXPIRY + leading.keepalive,
                "KEYS": "/run/secrets",
            },
        ),
        File("host/peers", _peer_lines(peers, shared)),
    )
    template = render.render(
        f"{SIDECAR}@.container.j2",
        image=settings.wireguard.image,
        hosts=situation.hosts,
        files=[Path(file.path).name for file in files],
        userspace=userspace,
        shared=shared,
    )
    drop_ins = {
        port: render.render(
            "wireguard-tunnel.conf.j2",
            address=settings.wireguard.instances[port].address,
            secret=names[private_key(port)],
        )
        for port in settings.instances
    }
    bridge_plan = bridge.plan_bridge(situation)
    endpoints = sorted({peer.endpoint.rpartition(":")[2] for peer, _ in peers})
    return ModePlan(
        files=(bridge_plan.file,),
        networks=(bridge_plan.network,),
        container_networks=(f"container:{container(SIDECAR, '%i')}",),
        own_networks={member: (option,) for member, option in bridge_plan.options.items()},
        job_networks=(f"container:{container(SIDECAR, min(settings.instances))}",),
        job_sidecar=unit(SIDECAR, min(settings.instances)),
        sidecar=Sidecar(template, files, drop_ins),
        chains=bridge.chains(situation, bridge_plan),
        guard=plan_guard(situation, reached=[f"udp dport {{ {', '.join(endpoints)} }}"]),
    )


def _peer_lines(
    peers: Iterable[tuple[Peer, tuple[IPv4Network, ...]]], shared: Mapping[int, str]
) -> str:
    """Return a line per peer, as the sidecar's program reads them.

    + shared: the secrets with preshared keys, by the peer's index
    """
    return "".join(
        f"{peer.public_key} {peer.endpoint} {peer.keepalive} {','.join(map(str, allowed))} "
        f"{f'preshared-key-{index}' if index in shared else '-'} "
        f"{'fixed' if peer.address else 'named'}\n"
        for index, (peer, allowed) in enumerate(peers)
    )


def _allowed(peer: Peer, situation: Situation) -> tuple[IPv4Network, ...]:
    """Return what the tunnel leads to behind a peer.

    Unless that says it, the database, and services to which the host has no way of its own.
    """
    assert isinstance(situation.settings.db_address, IPv4Address)  # noqa: S101 - refused elsewhere
    ways = [route.destination for route in situation.network.routes if not route.is_default]
    services = {service.address for service in situation.settings.services.values()}
    away = {address for address in services if not any(address in way for way in ways)}
    addresses = {situation.settings.db_address, *away}
    return peer.allowed_ips or tuple(map(IPv4Network, sorted(addresses)))


def _refuse(situation: Situation) -> None:
    """Raise `PlanError` with all that keeps keys, addresses, peers and instances from fitting."""
    settings, wireguard = situation.settings, situation.settings.wireguard
    problems = Problems(situation.host)
    if wireguard is None:
        raise problems.error(
            "wireguard", "none was given", "Give image, peers and instances: docs/settings.md"
        )
    database = settings.db_address
    if isinstance(database, IPv4Address):
        _refuse_peers(situation, wireguard, database, problems)
    else:
        problems.add(
            "db_address",
            f"{database or 'none'} was given",
            "Give the database's address behind the tunnel",
        )
    _refuse_tunnels(situation, wireguard, problems)
    for secret in situation.secrets:
        if secret.variable not in settings.secrets and not is_key(secret.value):
            problems.add(
                "wireguard",
                f"what {settings.sources[secret.variable]} holds is no key",
                "Make one with `wg genkey`: 32 bytes in base64",
            )
    problems.stop()


def _refuse_tunnels(situation: Situation, wireguard: Wireguard, problems: Problems) -> None:
    """Collect instances without an end of their own, and what two of them share."""
    instances = situation.settings.instances
    ports = [port for port in instances if port in wireguard.instances]
    if missing := [port for port in instances if port not in ports]:
        problems.add(
            "wireguard",
            f"instances has no entry for {', '.join(map(str, missing))}",
            "Give each port a private_key and an address of its own",
        )
    addresses = Counter(wireguard.instances[port].address for port in ports)
    shared = [
        f"{address} is the address of {count} instances"
        for address, count in addresses.items()
        if count > 1
    ]
    private = {private_key(port) for port in ports}
    keys = Counter(secret.value for secret in situation.secrets if secret.variable in private)
    shared += [
        f"{count} instances have the same private key" for count in keys.values() if count > 1
    ]
    for observation in shared:
        problems.add(
            "wireguard",
            observation,
            "Give each instance, on any host, a key and an address of its own",
        )


def _refuse_peers(
    situation: Situation, wireguard: Wireguard, database: IPv4Address, problems: Problems
) -> None:
    """Collect what keeps the peers from leading to the database, and to nothing of the host's."""
    bridge_subnet = situation.settings.publish_subnet
    allowed = [_allowed(peer, situation) for peer in wireguard.peers]
    for former, latter in combinations(range(len(allowed)), 2):
        _refuse_pair(former, latter, wireguard.peers, allowed, problems)
    if not any(database in network for networks in allowed for network in networks):
        problems.add(
            "wireguard",
            f"{database}, the database, is in no peer's allowed_ips",
            "Put it into one",
        )
    for index, networks in enumerate(allowed):
        for network in networks:
            if network.overlaps(bridge_subnet):
                problems.add(
                    "wireguard",
                    f"{network} behind peers[{index}] overlaps with publish_subnet {bridge_subnet}",
                    "Name what is needed alone, or choose another publish_subnet",
                )
        for number, peer in enumerate(wireguard.peers):
            if peer.address and any(peer.address in network for network in networks):
                problems.add(
                    "wireguard",
                    f"the endpoint of peers[{number}] would be behind peers[{index}] itself",
                    "Leave it out of allowed_ips",
                )


def _refuse_pair(
    former: int,
    latter: int,
    peers: Sequence[Peer],
    allowed: Sequence[tuple[IPv4Network, ...]],
    problems: Problems,
) -> None:
    """Collect what two peers, by index, have in common."""
    if peers[former].public_key == peers[latter].public_key:
        problems.add(
            "wireguard",
            f"peers[{former}] and peers[{latter}] have the same public_key",
            "Make them one peer",
        )
        return
    shared = [
        network
        for network in allowed[former]
        if any(network.overlaps(behind) for behind in allowed[latter])
    ]
    if shared:
        problems.add(
            "wireguard",
            f"{shared[0]} is behind peers[{former}] and peers[{latter}]",
            "Give each peer allowed_ips that no other has",
        )
