"""From an instance to what it needs: its container's network, the card, the LAN, the service."""

from __future__ import annotations

from ipaddress import IPv4Address

from facts.paths import PathAnswer
from names import SIDECAR
from plan.compare.verdicts import likely_cause, question
from plan.diagnosis.client import guard_hop, host_hops
from plan.diagnosis.container import container_hops
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Trail, Walk
from plan.model import InstancePlan
from plan.network.addresses import mac as mac_of

_SILENT = {"FAILED", "INCOMPLETE"}


def outward_trail(scene: Scene, instance: InstancePlan, target: str) -> Trail:
    """Return the way from an instance to the database or a service, and back.

    + target: its name among the plan's endpoints
    """
    walk = Walk()
    container_hops(scene, instance, walk)
    _network(scene, walk)
    host_hops(scene, walk)
    guard_hop(scene, instance, walk)
    address, port = scene.plan.endpoints[target]
    _card(scene, address, walk)
    _own_address(scene, instance, walk)
    _neighbour(scene, instance, address, walk)
    _answer(scene, instance, target, (address, port), walk)
    return Trail(scene.plan.host, str(instance.port), f"app to {target}", tuple(walk.hops))


def _network(scene: Scene, walk: Walk) -> None:
    networks = ", ".join(network.name for network in scene.plan.mode.networks)
    wrong = scene.changes.networks
    if networks:
        walk.hop(
            "networks",
            expected=f"{networks} as planned",
            observed=f"{', '.join(wrong)} differ" if wrong else "as planned",
            whole=not wrong,
            command=f"podman network inspect {networks.replace(',', '')}",
            cause="network-edited",
            mend="deploy.py -y makes them anew",
        )


def _card(scene: Scene, address: IPv4Address, walk: Walk) -> None:
    private = scene.plan.private
    route = scene.way.routes.get(address)
    card = private.interface if private else route
    if card is None:
        return
    cable = scene.way.carriers.get(card, False)
    walk.hop(
        "card",
        expected=f"{card} is up and has a link",
        observed="it has" if cable else "it is down, or has no cable",
        whole=cable,
        command=f"ip link show {card}",
        cause="card-down",
        mend=f"ip link set {card} up; look at the cable and the switch",
    )
    if private and route and scene.plan.settings.tunnel is None:
        direct = route == private.interface or address not in private.subnet
        shim = scene.plan.mode.shim
        by_shim = shim is not None and route == shim.link.interface
        walk.hop(
            "route",
            expected=f"{address} is reached by {private.interface}",
            observed=f"by {route}",
            whole=direct or by_shim or route == "lo",
            command=f"ip route get {address}",
            cause="route-wrong",
            mend="ip route show: remove what leads there",
        )


def _own_address(scene: Scene, instance: InstancePlan, walk: Walk) -> None:
    if instance.address is None:
        return
    mac = (scene.answering or {}).get(instance.address)
    taken = mac is not None and mac != mac_of(instance.address)
    quiet = "nobody does" if scene.answering is not None else "not asked"
    walk.hop(
        "address",
        expected=f"nobody else answers for {instance.address}",
        observed=f"{mac} does" if taken else quiet,
        whole=not taken if scene.answering is not None else None,
        command=f"ip neighbour show {instance.address}",
        cause="address-taken",
        mend="find that machine and take the address away from it",
    )


def _neighbour(scene: Scene, instance: InstancePlan, address: IPv4Address, walk: Walk) -> None:
    """Add whether the container hears who has the address; its own kernel remembers."""
    private = scene.plan.private
    if instance.address is None or private is None or address not in private.subnet:
        return
    state = scene.way.neighbours.get([*instance.containers][-1], {}).get(address, "")
    heard = (scene.answering or {}).get(address) is not None
    walk.hop(
        "neighbour",
        expected=f"somebody answers the container's question for {address}",
        observed="nobody does" if state in _SILENT else state.lower() or "not asked lately",
        whole=False if state in _SILENT else True if state else None,
        command=f"ip neighbour show {address}",
        cause="foreign-macs-dropped" if heard else "service-silent",
        mend="the host is answered and its container is not: have switch or hypervisor let other "
        "MACs through, or use network_mode ipvlan or routed"
        if heard
        else f"start {address}, or correct its address",
    )


def _answer(
    scene: Scene,
    instance: InstancePlan,
    target: str,
    place: tuple[IPv4Address, int],
    walk: Walk,
) -> None:
    asked = question(scene.plan)
    kind, _, name = target.partition(" ")
    answer = scene.answer(instance.port, f"service/{name}" if name else kind)
    reason = likely_cause(asked, answer) if answer else None
    walk.hop(
        "answer",
        expected=f"{target} answers on {place[0]}:{place[1]}",
        observed=(answer.answer.strip() or "no answer") if answer else "not asked",
        whole=reason is None if answer else None,
        command=f"--data ask=1, or a client of it on {place[0]}:{place[1]}",
        cause=_cause(answer, tunnelled=asked.bridged == SIDECAR) if answer else "",
        mend=reason or "",
    )


def _cause(answer: PathAnswer, *, tunnelled: bool) -> str:
    text = answer.answer
    if any(words in text for words in ("not known", "resolution", "Invalid argument")):
        return "name-unresolved"
    if "refused" in text:
        return "service-refuses"
    if "No route" in text or "unreachable" in text:
        return "service-silent"
    if text.strip() == "closed":
        return "service-closes"
    return "tunnel-silent" if tunnelled else "packets-dropped"
