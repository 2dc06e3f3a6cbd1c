"""From a client to an instance: gate, translation, the host's firewall, the app's answer."""

from __future__ import annotations

from names import FIREWALL_UNIT, GATE_TABLE_PREFIX, HOST_UNIT, RULES_TABLE
from plan.compare.host_side import host_side_differs
from plan.compare.verdicts import likely_cause, question
from plan.diagnosis.container import container_hops, inside
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Trail, Walk
from plan.model import InstancePlan


def client_trail(scene: Scene, instance: InstancePlan) -> Trail:
    """Return the way of a client's packets to an instance's published port, and back."""
    walk = Walk()
    container_hops(scene, instance, walk)
    _gate(scene, instance, walk)
    host_hops(scene, walk)
    _translation(scene, instance, walk)
    guard_hop(scene, instance, walk)
    _answers(scene, instance, walk)
    return Trail(scene.plan.host, str(instance.port), "client to app", tuple(walk.hops))


def _gate(scene: Scene, instance: InstancePlan, walk: Walk) -> None:
    table = f"inet {GATE_TABLE_PREFIX}{instance.port}"
    closed, drain = instance.port in scene.running.closed, scene.running.drain
    walk.hop(
        "gate",
        expected=f"open for port {instance.port}",
        observed=str(drain or "closed") if closed else "open",
        whole=not closed,
        command=f"nft list table {table}",
        cause="drained" if drain else "gate-closed",
        mend="verbs/undrain.py -y" if drain else f"nft delete table {table}",
    )


def host_hops(scene: Scene, walk: Walk) -> None:
    """Add the host's own side: forwarding, the deploy's rules, who watches them."""
    plan, installed = scene.plan, scene.observed.installed
    walk.hop(
        "forwarding",
        expected="the host forwards IPv4",
        observed="it does" if installed.kernel.forwarding else "it does not",
        whole=installed.kernel.forwarding or "forward" not in plan.mode.hooks,
        command="sysctl net.ipv4.ip_forward",
        cause="forwarding-off",
        mend=f"systemctl restart {HOST_UNIT}, and find who switched it off",
    )
    differs = host_side_differs(plan, installed)
    walk.hop(
        "host's rules",
        expected=f"table ip {RULES_TABLE} and a rule of ours in each chain that drops, as planned",
        observed="they differ" if differs else "as planned",
        whole=not differs,
        command=f"nft list table ip {RULES_TABLE}",
        cause=_rules_cause(scene),
        mend=f"systemctl restart {HOST_UNIT} {FIREWALL_UNIT}",
    )
    count = scene.way.connections
    walk.hop(
        "connection tracking",
        expected="room for new connections",
        observed=f"{count[0]} of {count[1]}" if count else "unknown",
        whole=count[0] < count[1] if count else None,
        command="sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
        cause="conntrack-full",
        mend="raise net.netfilter.nf_conntrack_max, and find who opens so many",
    )


def _rules_cause(scene: Scene) -> str:
    plan, installed = scene.plan, scene.observed.installed
    live = installed.shim
    if (plan.mode.shim is None) != (live is None) or (live and not live.up):
        return "shim-missing" if live is None or not live.up else "shim-left"
    unmarked = [
        chain
        for chain, hook in installed.firewall.barriers.items()
        if hook in plan.mode.hooks and chain not in installed.firewall.rules
    ]
    return "firewall-drops" if unmarked else "rules-missing"


def _translation(scene: Scene, instance: InstancePlan, walk: Walk) -> None:
    translations = [
        it
        for it in scene.observed.installed.firewall.translated
        if it.low <= instance.port <= it.high
    ]
    walk.hop(
        "port",
        expected=f"nobody else translates port {instance.port}",
        observed="another rule does" if translations else "nobody does",
        whole=not translations,
        command="nft list ruleset | grep dnat",
        cause="port-translated",
        mend="remove that rule, or give the instance another port",
    )


def guard_hop(scene: Scene, instance: InstancePlan, walk: Walk) -> None:
    """Add the rules inside the container, where there are any."""
    if scene.plan.mode.guard is None:
        return
    name = [*instance.containers][-1]
    missing = name in scene.observed.installed.podman.unguarded
    walk.hop(
        "guard",
        expected="the rules and routes inside the container",
        observed="not those of the release" if missing else "there",
        whole=not missing,
        command=inside(name, "nft list ruleset"),
        cause="guard-missing",
        mend=f"systemctl restart {FIREWALL_UNIT}, or deploy.py -y",
    )


def _answers(scene: Scene, instance: InstancePlan, walk: Walk) -> None:
    asked = question(scene.plan)
    places = [f"host/{address}" for address in asked.addresses]
    places += [f"beyond/{asked.beyond}"] if asked.beyond else []
    for place in places:
        kind, _, address = place.partition("/")
        answer = scene.answer(instance.port, place)
        reason = likely_cause(asked, answer) if answer else None
        name = "answer" if kind == "host" else "answer beyond the host"
        walk.hop(
            name,
            expected=f"200 on http://{address}:{instance.port}{asked.health_path}",
            observed=(answer.answer.strip() or "no answer") if answer else "not asked",
            whole=reason is None if answer else None,
            command=f"curl -i http://{address}:{instance.port}{asked.health_path}",
            cause="app-unhealthy" if answer and answer.answer.startswith("HTTP/") else "no-answer",
            mend=reason or "",
        )
