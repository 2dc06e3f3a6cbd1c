"""Tell a path that works from one that does not, and name the likely cause."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator

from pydantic import TypeAdapter

from facts.firewall import FirewallState
from facts.paths import PathAnswer, Question
from names import (
    CLIENT_GATEWAY,
    CURRENT,
    HOST_UNIT,
    INSTANCE,
    QUESTION,
    RULES_TABLE,
    SIDECAR,
    container,
    unit,
)
from plan.model import File, HostPlan

_QUESTION = TypeAdapter(Question)
_Judge = Callable[[Question, PathAnswer], str | None]


def question(plan: HostPlan) -> Question:
    """Return what to ask for every path of the plan."""
    settings = plan.settings
    address, own = settings.published, plan.private.address if plan.private else None
    addresses: list[str] = list(map(str, [address] if address else ["127.0.0.1", own or ""]))
    beyond = address or own or CLIENT_GATEWAY
    return Question(
        ports=tuple(instance.port for instance in plan.instances),
        addresses=tuple(filter(None, addresses)),
        beyond=None if address and address.is_loopback else str(beyond),
        health_path=settings.health_path,
        db_host=settings.db_host,
        db_port=settings.db_port,
        name_server=str(settings.publish_subnet[1]) if settings.mode.bridge else None,
        bridged=SIDECAR if settings.mode.tunnel else INSTANCE,
        mode=settings.network_mode,
        own=str(own) if own and settings.mode.link else None,
        services=tuple(
            (name, service.port, service.greeting) for name, service in settings.services.items()
        ),
    )


def question_file(plan: HostPlan) -> File:
    """Return the file of a release that says what to ask when it is gone back to."""
    return File(QUESTION, json.dumps(dataclasses.asdict(question(plan)), indent=1) + "\n")


def parse_question(text: str) -> Question:
    """Return what a release's file says; `ValueError` if it says anything else."""
    return _QUESTION.validate_json(text)


def unasked(installed: FirewallState) -> str:
    """Return what the questions cannot see of the host's firewall, as a clause, if anything."""
    if not installed.unseen:
        return ""
    return (
        f"; what comes from outside passes {', '.join(sorted(installed.unseen))} before, "
        "where rules drop packets that no question of this host's own meets"
    )


def failures(host: str, asked: Question, answers: Iterable[PathAnswer]) -> Iterator[str]:
    """Yield one sentence per path that does not work: host, path, what came back, likely cause."""
    for answer in answers:
        judge, path = _path(asked, answer)
        cause = judge(asked, answer)
        if cause is None:
            continue
        line = _last_line(answer.answer) or "no answer"
        yield f"{host}: instance {answer.port} {path}: {line}. Likely cause: {cause}."


def likely_cause(asked: Question, answer: PathAnswer) -> str | None:
    """Return why a path does not work, none where it does."""
    judge, _ = _path(asked, answer)
    return judge(asked, answer)


def _path(asked: Question, answer: PathAnswer) -> tuple[_Judge, str]:
    """Return what judges an answer, and what to call the path that it came on."""
    kind, _, name = answer.path.partition("/")
    ports = {service: port for service, port, _ in asked.services}
    paths: dict[str, tuple[_Judge, str]] = {
        "database": (_database, f"to the database {asked.db_host}:{asked.db_port}"),
        "service": (_service, f"to the service {name}:{ports.get(name, 0)}"),
        "names": (_names, "to the name server of its bridge"),
        "out": (_out, "to the outside"),
    }
    url = f"on http://{answer.address}:{answer.port}{asked.health_path}"
    beyond = " from beyond the host" if kind == "beyond" else ""
    return paths.get(kind) or (_published, f"{url}{beyond}")


def _last_line(text: str) -> str:
    return text.splitlines()[-1] if text else ""


def _published(asked: Question, answer: PathAnswer) -> str | None:
    text = answer.answer
    if text.startswith("HTTP/") and text.split()[1:2] == ["200"]:
        return None
    if text.startswith("HTTP/"):
        return "the app is up and not healthy, most often because it cannot use the database"
    if "refused" in text:
        return f"the instance does not run: journalctl -u {unit(INSTANCE, answer.port)}"
    if answer.path.startswith("beyond/"):
        return (
            "a chain of the host's firewall drops or rejects what is forwarded or comes in: "
            "nft list ruleset, or iptables-legacy --list-rules where the host has that"
        )
    if answer.address == asked.own:
        return (
            "replies leave by the private network, past the connection tracking: the container's "
            f"guard is not whole, sh {CURRENT}/host/guard.sh set {container(INSTANCE, answer.port)}"
        )
    return (
        "a rule of the host's own firewall comes before those of nft list table ip "
        f"{RULES_TABLE}, or they are gone: systemctl restart {HOST_UNIT} puts them back"
    )


def _names(_asked: Question, answer: PathAnswer) -> str | None:
    text = answer.answer
    if text in {"answered", "unused"} or "no such" in text.lower():
        return None
    return (
        "the host's firewall drops what containers send to port 53 of their bridge, or "
        "aardvark-dns does not run: podman network reload --all starts it"
    )


def _out(_asked: Question, answer: PathAnswer) -> str | None:
    text = answer.answer
    # Nothing listens there: whoever says so was reached. An instance that is gone is told once.
    if "refused" in text or "no such" in text.lower():
        return None
    return "a chain of the host's firewall drops what containers send: nft list ruleset"


def _database(asked: Question, answer: PathAnswer) -> str | None:
    # A redis that wants a password or TLS, or is loading, is reached all the same.
    if _last_line(answer.answer).startswith(("+", "-", "answered: ")):
        return None
    advice = f"the container cannot resolve {asked.db_host}: set db_address"
    return _unreached(asked, answer, "database", asked.db_port, advice)


def _service(asked: Question, answer: PathAnswer) -> str | None:
    _, _, name = answer.path.partition("/")
    port, way = next((port, way) for service, port, way in asked.services if service == name)
    if _last_line(answer.answer).startswith(("+", "-", "answered", "connected")):
        return None
    if _last_line(answer.answer) == "closed":
        return f"something else than {way} listens there, or it wants no client from here"
    advice = f"the container's hosts file has no {name}: it was changed in there"
    return _unreached(asked, answer, "service", port, advice)


def _unreached(asked: Question, answer: PathAnswer, target: str, port: int, unresolved: str) -> str:
    """Return why something on the private network was not reached.

    + target, port: what was asked, and the port of it
    + unresolved: what to say where its name has no address
    """
    text = answer.answer
    if "no such" in text.lower():
        return f"the instance does not run: journalctl -u {unit(INSTANCE, answer.port)}"
    if any(words in text for words in ("not known", "resolution", "Invalid argument")):
        return unresolved
    if "refused" in text:
        return f"the machine is reached and nothing listens on port {port}"
    if ("No route" in text or "unreachable" in text) and asked.bridged != SIDECAR:
        return (
            f"nobody answers for the address: the {target} is down, or the switch or hypervisor "
            f"drops the MAC addresses of containers (network_mode {asked.mode})"
        )
    return (
        f"the tunnel, or what is behind it: podman exec {container(SIDECAR, answer.port)} wg show"
        if asked.bridged == SIDECAR
        else f"packets are dropped on the way: a firewall at the {target} or in the network"
    )
