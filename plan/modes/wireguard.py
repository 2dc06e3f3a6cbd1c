"""wireguard: a tunnel per instance, and nothing but the database behind it.

Each instance has a sidecar, whose network it shares. The sidecar is on the bridge, publishes the
port, and makes the tunnel: by the host's kernel where that can, else by `wireguard-go`. Everything
but the database leaves by the bridge, as in the mode `direct`. Each tunnel has a key and an address
of its own: of two with one key the peer serves one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from plan import render
from plan.instances import add_host, publish
from plan.model import CURRENT, HOST_UNIT, SIDECAR, File, ModePlan, Sidecar, Situation
from plan.modes import bridge
from plan.problems import PlanError, Problem
from plan.wireguard import Peer, Wireguard, is_key, preshared_key, private_key

_SCRIPT = "wireguard.sh"
# How old a handshake may be beyond the keepalive's interval: older, and the keys have expired.
_EXPIRY = 180


def plan(situation: Situation) -> ModePlan:
    """Plan the bridge, the sidecars and their tunnels.

    Raises `PlanError` where keys, addresses, peers and instances do not fit.
    """
    settings = situation.settings
    problems = [*_problems(situation)]
    if problems or settings.wireguard is None:
        raise PlanError(problems)
    database = settings.db_address
    assert isinstance(database, IPv4Address)  # noqa: S101 - refused above
    peers = [(peer, _allowed(peer, database)) for peer in settings.wireguard.peers]
    networks = [network for _, allowed in peers for network in allowed]
    leading = next(p for p, allowed in peers if any(database in network for network in allowed))
    names = {secret.variable: secret.name for secret in situation.secrets}
    shared = {
        index: names[preshared_key(index)]
        for index, (peer, _) in enumerate(peers)
        if peer.preshared_key is not None
    }
    userspace = "wireguard" not in situation.drivers
    script = render.render(
        "wireguard.sh.j2",
        peers=peers,
        shared=shared,
        networks=networks,
        userspace=userspace,
        leading=leading,
        patience=_EXPIRY + leading.keepalive,
    )
    template = render.render(
        "onetime-wg@.container.j2",
        image=settings.wireguard.image,
        host_unit=HOST_UNIT,
        network=bridge.NETWORK,
        publish=publish(settings),
        add_host=add_host(settings),
        script=f"{CURRENT}/{_SCRIPT}",
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
    file, network = bridge.plan_bridge(settings)
    return ModePlan(
        files=(file,),
        networks=(network,),
        container_networks=(f"container:{SIDECAR}-%i",),
        sidecar=Sidecar(template, File(_SCRIPT, script), drop_ins),
        chains=(bridge.masquerade(settings.publish_subnet, networks),),
        forward=bridge.FORWARD,
    )


def _allowed(peer: Peer, database: IPv4Address) -> tuple[IPv4Network, ...]:
    """Return what the tunnel leads to behind a peer."""
    return peer.allowed_ips or (IPv4Network(database),)


def _problems(situation: Situation) -> Iterator[Problem]:
    settings, wireguard = situation.settings, situation.settings.wireguard

    def problem(seen: str, advice: str, key: str = "wireguard") -> Problem:
        return Problem(situation.host, key, seen, advice)

    if wireguard is None:
        yield problem("none was given", "Give image, peers and instances: docs/settings.md")
        return
    database = settings.db_address
    if not isinstance(database, IPv4Address):
        yield problem(
            f"{database or 'none'} was given",
            "Give the database's address behind the tunnel",
            "db_address",
        )
    else:
        for seen, advice in _peers(wireguard, database, settings.publish_subnet):
            yield problem(seen, advice)
    if missing := [port for port in settings.instances if port not in wireguard.instances]:
        yield problem(
            f"instances has no entry for {', '.join(map(str, missing))}",
            "Give each port a private_key and an address of its own",
        )
    for seen in _tunnels(situation, wireguard):
        yield problem(seen, "Give each instance, on any host, a key and an address of its own")
    for secret in situation.secrets:
        if secret.variable not in settings.secrets and not is_key(secret.value):
            yield problem(
                f"what {settings.sources[secret.variable]} holds is no key",
                "Make one with `wg genkey`: 32 bytes in base64",
            )


def _tunnels(situation: Situation, wireguard: Wireguard) -> Iterator[str]:
    """Yield what two instances of the host share."""
    ports = [port for port in situation.settings.instances if port in wireguard.instances]
    addresses = Counter(wireguard.instances[port].address for port in ports)
    for address, count in addresses.items():
        if count > 1:
            yield f"{address} is the address of {count} instances"
    private = {private_key(port) for port in ports}
    keys = Counter(secret.value for secret in situation.secrets if secret.variable in private)
    for count in keys.values():
        if count > 1:
            yield f"{count} instances have the same private key"


def _peers(
    wireguard: Wireguard, database: IPv4Address, bridge_subnet: IPv4Network
) -> Iterator[tuple[str, str]]:
    """Yield what keeps the peers from leading to the database, and to nothing of the host's."""
    peers = [(i, peer, _allowed(peer, database)) for i, peer in enumerate(wireguard.peers)]
    for (one, first, ours), (two, second, theirs) in combinations(peers, 2):
        if first.public_key == second.public_key:
            yield f"peers[{one}] and peers[{two}] have the same public_key", "Make them one peer"
        elif overlap := [mine for mine in ours if any(mine.overlaps(its) for its in theirs)]:
            seen = f"{overlap[0]} is behind peers[{one}] and peers[{two}]"
            yield seen, "Give each peer allowed_ips that no other has"
    if not any(database in network for _, _, allowed in peers for network in allowed):
        yield f"{database}, the database, is in no peer's allowed_ips", "Put it into one"
    for index, _, allowed in peers:
        for network in allowed:
            if network.overlaps(bridge_subnet):
                yield (
                    f"{network} behind peers[{index}] overlaps with publish_subnet {bridge_subnet}",
                    "Name what is needed alone, or choose another publish_subnet",
                )
        for other, inner, _ in peers:
            if inner.address and any(inner.address in network for network in allowed):
                yield (
                    f"the endpoint of peers[{other}] would be behind peers[{index}] itself",
                    "Leave it out of allowed_ips",
                )
