"""One host: clients, bridge, containers, their networks, and what they reach, with translations."""

from __future__ import annotations

from collections.abc import Iterator

from names import PRIVATE_NETWORK, PUBLISH_INTERFACE
from plan.map.hosts import Endpoint, MapHost, bridge_places, endpoints, key
from plan.map.shapes import Arrow, Box, Drawing, Text, anchor, fitted
from plan.map.ways import leaving, peer_to, translations, tunnel_address
from plan.model import HostPlan, MemberPlan

# The columns, from clients to what is reached.
_CLIENTS, _CLIENTS_WIDTH = 6, 150
_FRAME, _FRAME_END = 400, 826
_BRIDGE, _BAR = 424, 24
_MEMBER, _MEMBER_WIDTH = 480, 250
_WAY = 770
_CARD, _CARD_WIDTH = 800, 200
_ENDPOINT, _ENDPOINT_WIDTH = 1064, 190
_WIDTH = 1260
# The rows.
_TOP, _ROW, _HEIGHT = 66, 84, 62
_FEWEST = 3
# Of those that the internet reaches so many are told.
_PLACES = 6
_SMALL, _TITLE = 11, 14
_BELOW = 40


def draw_host(host: MapHost, plan: HostPlan) -> Drawing:
    """Return the picture of a planned host."""
    reached = endpoints(plan)
    # The world outside has the way below all others.
    beside = [endpoint for endpoint in reached if not endpoint.outside]
    count = max(len(plan.members), len(beside), _FEWEST)
    bottom = _TOP + count * _ROW
    boxes = [Box(_FRAME, 10, _FRAME_END - _FRAME, bottom + 6, "frame")]
    arrows: list[Arrow] = []
    texts: list[Text] = [*_titles(host, plan), *_bar_titles(plan)]
    if plan.settings.mode.bridge:
        boxes.append(Box(_BRIDGE, _TOP, _BAR, count * _ROW - 20, "bridge", "the bridge"))
    boxes.append(Box(_WAY, _TOP, _BAR, count * _ROW - 20, "way", _way_title(plan)))
    if plan.private:
        boxes.append(Box(_CARD, 16, _CARD_WIDTH, 24, "card", plan.private.interface))
    boxes.append(Box(_CLIENTS, _TOP, _CLIENTS_WIDTH, count * _ROW - 20, "client"))
    texts += _clients(plan)
    for place, member in enumerate(plan.members):
        y = _TOP + place * _ROW
        boxes += _member_boxes(host, member, y)
        arrows += _member_arrows(plan, member, y)
        texts += _member_texts(host, plan, member, y)
    for place, endpoint in enumerate(beside):
        y = _TOP + place * _ROW
        boxes.append(Box(_ENDPOINT, y, _ENDPOINT_WIDTH, _HEIGHT, "service", endpoint.place))
        arrows.append(_to_endpoint(plan, endpoint, y))
        texts += _endpoint_texts(plan, endpoint, y)
    if shim := plan.mode.shim:
        texts.append(
            Text(_MEMBER, bottom - 2, f"shim {shim.link.interface} {shim.address}", "mono small")
        )
        arrows.append(Arrow(f"M{_MEMBER + 190} {bottom - 6}H{_WAY + 12}V{bottom - 20}", "link"))
    for endpoint in reached:
        if endpoint.outside:
            boxes.append(Box(_ENDPOINT, bottom + 4, _ENDPOINT_WIDTH, 40, "world"))
            arrows.append(_to_world(plan, bottom))
            texts += _world_texts(plan, endpoint, bottom)
    title = f"{host.name}: its containers, networks and ways"
    height = bottom + _BELOW + 14
    return Drawing(title, _WIDTH, height, tuple(boxes), tuple(arrows), tuple(texts))


def _titles(host: MapHost, plan: HostPlan) -> Iterator[Text]:
    yield fitted(_FRAME + 14, 32, host.name, 230, "name", size=_TITLE)
    mode = f"mode {plan.settings.network_mode}"
    yield Text(_CARD - 10, 32, mode, "small", "end")


def _way_title(plan: HostPlan) -> str:
    """Return what the containers' way to their services is."""
    settings, private = plan.settings, plan.private
    if not settings.mode.bridge:
        return "the host's own network"
    if settings.mode.tunnel:
        return "tunnels, one per instance"
    if settings.mode.link and private:
        return f"{settings.mode.link.kind} {PRIVATE_NETWORK} on {private.interface}"
    if private:
        return f"the host routes, by {private.interface}"
    return "the host routes"


def _bar_titles(plan: HostPlan) -> Iterator[Text]:
    settings, private = plan.settings, plan.private
    if settings.mode.bridge:
        prefix = settings.publish_subnet.prefixlen
        text = f"{PUBLISH_INTERFACE} {settings.publish_gateway}/{prefix}"
        yield Text(_BRIDGE - 10, 54, text, "mono small")
    yield Text(_WAY + _BAR + 20, 54, _way_title(plan), "small", "end")
    if private:
        card = f"{private.interface} {private.address}"
        yield fitted(_CARD + 10, 32, card, _CARD_WIDTH - 20, "oncard", size=_SMALL)
        yield Text(_CARD + _CARD_WIDTH + 12, 32, str(private.subnet), "mono small")


def _clients(plan: HostPlan) -> Iterator[Text]:
    x, y = _CLIENTS + 12, _TOP + 22
    yield Text(x, y, "clients", "name")
    lines = list(plan.public[:_PLACES]) or [f"to {plan.settings.published or 'every address'}"]
    if len(plan.public) > _PLACES:
        lines.append(f"and {len(plan.public) - _PLACES} more")
    if plan.public:
        lines.append("from the internet")
    for number, line in enumerate(lines, start=1):
        yield fitted(x, y + 3 + 17 * number, line, _CLIENTS_WIDTH - 20, "mono small", size=_SMALL)


def _member_boxes(host: MapHost, member: MemberPlan, y: int) -> Iterator[Box]:
    verdict = host.verdict(member)
    tip = f"{member.title}: {verdict.text}" if verdict.text else member.title
    yield Box(_MEMBER, y, _MEMBER_WIDTH, _HEIGHT, f"member {verdict.kind}".strip(), tip)


def _member_arrows(plan: HostPlan, member: MemberPlan, y: int) -> Iterator[Arrow]:
    middle = y + _HEIGHT // 2
    target = anchor("host", plan.host, key(member))
    if member in plan.instances:
        end = _BRIDGE if plan.settings.mode.bridge else _MEMBER
        yield Arrow(f"M{_CLIENTS + _CLIENTS_WIDTH} {middle}H{end - 2}", "flow in", target)
    if plan.settings.mode.bridge:
        yield Arrow(f"M{_BRIDGE + _BAR} {middle}H{_MEMBER}", "link")
    yield Arrow(f"M{_MEMBER + _MEMBER_WIDTH} {middle}H{_WAY}", "link")


def _member_texts(host: MapHost, plan: HostPlan, member: MemberPlan, y: int) -> Iterator[Text]:
    left, right = _MEMBER + 10, _MEMBER + _MEMBER_WIDTH - 10
    half = _MEMBER_WIDTH // 2 - 14
    verdict = host.verdict(member)
    yield fitted(left, y + 20, member.title, 132, "name", size=13)
    yield fitted(
        right, y + 20, verdict.text, 118, f"small {verdict.kind}", anchor="end", size=_SMALL
    )
    place = bridge_places(plan).get(key(member))
    yield fitted(left, y + 50, str(place or ""), half, "mono small", size=_SMALL)
    yield fitted(
        right, y + 50, _source(plan, member), half, "mono small", anchor="end", size=_SMALL
    )
    if place:
        yield Text(left, y + 36, "on the bridge", "faint")
    if member.address or tunnel_address(plan, member):
        where = "in the tunnel" if plan.settings.mode.tunnel else "on the network"
        yield Text(right, y + 36, where, "faint", "end")
    if member not in plan.instances:
        return
    middle, start = y + _HEIGHT // 2, _CLIENTS + _CLIENTS_WIDTH + 10
    port = key(member)
    entrance = f"{plan.settings.published or '*'}:{port}"
    leads = translations(plan).get(port) if isinstance(port, int) else None
    text = f"{entrance} → {leads}" if leads else entrance
    yield fitted(start, middle - 7, text, 232, "mono small", size=_SMALL)
    yield Text(start, middle + 15, "translated" if leads else "no translation", "faint")


def _source(plan: HostPlan, member: MemberPlan) -> str:
    """Return the address that a container has beside the bridge's."""
    return str(member.address or tunnel_address(plan, member) or "")


def _to_endpoint(plan: HostPlan, endpoint: Endpoint, y: int) -> Arrow:
    kind = "flow tunnel" if endpoint.address and peer_to(plan, endpoint.address) else "flow out"
    return Arrow(f"M{_WAY + _BAR} {y + _HEIGHT // 2}H{_ENDPOINT - 2}", kind)


def _endpoint_texts(plan: HostPlan, endpoint: Endpoint, y: int) -> Iterator[Text]:
    middle = y + _HEIGHT // 2
    width = _ENDPOINT_WIDTH - 20
    yield fitted(_ENDPOINT + 10, y + 25, endpoint.name, width, "name", size=13)
    yield fitted(_ENDPOINT + 10, y + 46, endpoint.place, width, "mono small", size=_SMALL)
    above, below = leaving(plan, endpoint)
    start, width = _FRAME_END + 10, _ENDPOINT - _FRAME_END - 24
    yield fitted(start, middle - 7, above, width, "small", size=_SMALL)
    yield fitted(start, middle + 15, below, width, "faint", size=_SMALL)


def _to_world(plan: HostPlan, bottom: int) -> Arrow:
    start = _BRIDGE + _BAR // 2 if plan.settings.mode.bridge else _WAY + _BAR // 2
    return Arrow(f"M{start} {bottom - 20}V{bottom + 26}H{_ENDPOINT - 2}", "flow out")


def _world_texts(plan: HostPlan, endpoint: Endpoint, bottom: int) -> Iterator[Text]:
    yield Text(_ENDPOINT + 10, bottom + 28, endpoint.name, "name")
    above, below = leaving(plan, endpoint)
    yield Text(_FRAME_END + 10, bottom + 19, above, "small")
    yield Text(_FRAME_END + 10, bottom + 41, below, "faint")
