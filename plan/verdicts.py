"""Tell a path that works from one that does not, and name the likely cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from facts.paths import PathAnswer
from plan.model import HostPlan


def asked_addresses(plan: HostPlan) -> tuple[str, ...]:
    """Return the host's addresses on which its published ports must answer it."""
    if plan.settings.publish_address is not None:
        return (str(plan.settings.publish_address),)
    own = (str(plan.private.address),) if plan.private else ()
    return ("127.0.0.1", *own)


def failures(plan: HostPlan, answers: Iterable[PathAnswer]) -> Iterator[str]:
    """Yield one sentence per path that does not work: host, path, what came back, likely cause."""
    for answer in answers:
        cause = (_database if answer.path == "database" else _published)(plan, answer)
        if cause is None:
            continue
        path = (
            f"to the database {plan.settings.db_host}:{plan.settings.db_port}"
            if answer.path == "database"
            else f"on http://{answer.path}:{answer.port}{plan.settings.health_path}"
        )
        came = answer.answer.splitlines()[-1] if answer.answer else "no answer"
        yield f"{plan.host}: instance {answer.port} {path}: {came}. Likely cause: {cause}."


def _published(plan: HostPlan, answer: PathAnswer) -> str | None:
    text = answer.answer
    if text.startswith("HTTP/") and text.split()[1:2] == ["200"]:
        return None
    if text.startswith("HTTP/"):
        return "the app is up and not healthy, most often because it cannot use the database"
    if "refused" in text:
        return f"the instance does not run: journalctl -u onetime@{answer.port}"
    if plan.private and answer.path == str(plan.private.address) and plan.rules:
        return (
            "replies leave past the connection tracking: the rule in nft list table ip onetime "
            "is missing or another rule comes before it"
        )
    return (
        "a rule of the host's own firewall comes before the published port's, or those are gone: "
        "podman network reload --all puts them back"
    )


def _database(plan: HostPlan, answer: PathAnswer) -> str | None:
    text = answer.answer
    # A redis that wants a password is reached all the same.
    if text.startswith(("+PONG", "-NOAUTH")):
        return None
    if "no such" in text.lower():
        return f"the instance does not run: journalctl -u onetime@{answer.port}"
    if any(words in text for words in ("not known", "resolution", "Invalid argument")):
        return f"the container cannot resolve {plan.settings.db_host}: set db_address"
    if "refused" in text:
        return f"the machine is reached and nothing listens on port {plan.settings.db_port}"
    if ("No route" in text or "unreachable" in text) and not plan.settings.tunnel:
        return (
            "nobody answers for the address: the database is down, or the switch or hypervisor "
            f"drops the MAC addresses of containers (network_mode {plan.settings.network_mode})"
        )
    return (
        f"the tunnel, or what is behind it: podman exec onetime-wg-{answer.port} wg show"
        if plan.settings.tunnel
        else "packets are dropped on the way: a firewall at the database or in the network"
    )
