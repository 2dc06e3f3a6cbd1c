"""One way: its hops in a line, and on each arrow what happens there."""

from __future__ import annotations

from plan.map.shapes import Arrow, Box, Drawing, fitted
from plan.map.ways import Way

_BOX, _HEIGHT, _GAP = 190, 54, 190
_TOP = 12
_SMALL = 11
_LINES = (-7, 17)


def draw_way(way: Way) -> Drawing:
    """Return the picture of a way."""
    boxes, arrows, texts = [], [], []
    middle = _TOP + _HEIGHT // 2
    for place, hop in enumerate(way.hops):
        x = 4 + place * (_BOX + _GAP)
        if place:
            arrows.append(Arrow(f"M{x - _GAP} {middle}H{x - 2}", "flow out"))
            for line, offset in zip(hop.arrow, _LINES, strict=False):
                center, width = x - _GAP / 2, _GAP - 14
                texts.append(
                    fitted(center, middle + offset, line, width, "small", anchor="middle", size=9)
                )
        ends = place in {0, len(way.hops) - 1}
        boxes.append(Box(x, _TOP, _BOX, _HEIGHT, "member" if ends else "way"))
        texts.append(fitted(x + 10, middle - 6, hop.title, _BOX - 20, "name", size=13))
        texts.append(fitted(x + 10, middle + 15, hop.detail, _BOX - 20, "mono small", size=_SMALL))
    width = 8 + len(way.hops) * (_BOX + _GAP) - _GAP
    return Drawing(way.title, width, _HEIGHT + 2 * _TOP, tuple(boxes), tuple(arrows), tuple(texts))
