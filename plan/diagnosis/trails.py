"""Every path of a host, hop by hop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from facts.text import printable
from plan.diagnosis.client import client_trail
from plan.diagnosis.host import host_trail
from plan.diagnosis.outward import outward_trail
from plan.diagnosis.scene import Scene
from plan.diagnosis.trail import Hop, Trail


def trails(scene: Scene) -> Iterator[Trail]:
    """Yield the paths of all instances: to what they need, and from their clients."""
    yield host_trail(scene)
    for instance in scene.plan.instances:
        for target in scene.plan.endpoints:
            yield outward_trail(scene, instance, target)
        yield client_trail(scene, instance)


def verdicts(judged: Iterable[Trail]) -> Iterator[str]:
    """Yield a sentence per cause: how many paths it breaks, where, and the mend."""
    broken: dict[str, list[tuple[Trail, Hop]]] = {}
    for trail in judged:
        if hop := trail.broken:
            broken.setdefault(hop.cause, []).append((trail, hop))
    for cause, paths in broken.items():
        trail, hop = paths[0]
        count = f"{len(paths)} path{'s' if len(paths) > 1 else ''}"
        yield (
            f"{cause}: {count}, first {trail.title}, at its {hop.name}: "
            f"{printable(hop.observed)}. {hop.mend}"
        )
