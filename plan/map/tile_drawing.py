"""One host in the picture of the fleet: its card on the subnet's line, and its containers."""

from __future__ import annotations

from collections.abc import Iterator

from plan.map.hosts import MapHost, key
from plan.map.shapes import Arrow, Box, Drawing, Text, fitted
from plan.model import HostPlan, InstancePlan

_WIDTH, _TOP, _SIDE = 300, 52, 8
_CHIP, _CHIP_HEIGHT, _GAP, _CHIPS = 60, 24, 5, 4
_LINES, _BOTTOM = 58, 12


def draw_tile(host: MapHost, *, amiss: bool) -> Drawing:
    """Return the picture of a host; one without a plan has no containers to show.

    + amiss: something about it is not as it should be
    """
    members = host.plan.members if host.plan else ()
    lines = (len(members) + _CHIPS - 1) // _CHIPS
    height = _LINES + lines * (_CHIP_HEIGHT + _GAP) + _BOTTOM
    kind = "frame amiss" if amiss else "frame"
    boxes = [Box(_SIDE, _TOP, _WIDTH - 2 * _SIDE, height, kind if host.plan else f"{kind} bare")]
    texts = [*_texts(host)]
    arrows = []
    if host.plan and host.plan.private:
        arrows = [Arrow(f"M0 8H{_WIDTH}", "bus"), Arrow(f"M{_SIDE + 24} 8V{_TOP - 12}", "stub")]
        boxes.append(Box(_SIDE + 12, _TOP - 12, 220, 24, "card", host.plan.private.interface))
        card = f"{host.plan.private.interface} {host.plan.private.address}"
        texts.append(fitted(_SIDE + 22, _TOP + 4, card, 206, "oncard", size=11))
    if host.plan:
        for box, text in _chips(host, host.plan):
            boxes.append(box)
            texts.append(text)
    title = f"{host.name}, {host.settings.network_mode}"
    return Drawing(title, _WIDTH, _TOP + height + 8, tuple(boxes), tuple(arrows), tuple(texts))


def _texts(host: MapHost) -> Iterator[Text]:
    left, right, y = _SIDE + 14, _WIDTH - _SIDE - 14, _TOP + 32
    yield fitted(left, y, host.name, 170, "name", size=13)
    yield Text(right, y, host.settings.network_mode, "small", "end")
    if host.plan is None:
        yield Text(left, y + 18, "not planned", "small")
    elif host.settings.own_range:
        yield fitted(left, y + 18, f"range {host.settings.own_range}", 250, "mono small", size=11)
    elif host.settings.mode.bridge:
        text = f"bridge {host.settings.publish_subnet}"
        yield fitted(left, y + 18, text, 250, "mono small", size=11)
    else:
        yield Text(left, y + 18, "the host's own network", "small")


def _chips(host: MapHost, plan: HostPlan) -> Iterator[tuple[Box, Text]]:
    for place, member in enumerate(plan.members):
        x = _SIDE + 14 + place % _CHIPS * (_CHIP + _GAP)
        y = _TOP + _LINES + place // _CHIPS * (_CHIP_HEIGHT + _GAP)
        verdict = host.verdict(member)
        shape = "chip" if isinstance(member, InstancePlan) else "chip job"
        kind = f"{shape} {verdict.kind}".strip()
        tip = ", ".join(map(str, filter(None, (member.title, member.address, verdict.text))))
        text = fitted(
            x + _CHIP / 2,
            y + 16,
            str(key(member)),
            _CHIP - 6,
            "mono small",
            anchor="middle",
            size=11,
        )
        yield Box(x, y, _CHIP, _CHIP_HEIGHT, kind, tip), text
