"""What answers on each path of each instance, asked on the host in one remote command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import names
from facts.reading import ScriptFact, script
from facts.values import Readable
from names import INSTANCE, container

_ASKING = (Path(__file__).parents[1] / "host/paths.sh").read_text()
_NAMES = (
    "RUN",
    "PATH_TIMEOUT",
    "CLIENT_LOCK",
    "CLIENT_INTERFACE",
    "CLIENT_PEER",
    "CLIENT_GATEWAY",
    "CLIENT_ADDRESS",
)


@dataclass(frozen=True)
class PathAnswer(Readable):
    """What came back on one path: an HTTP status line, a redis reply, or an error's text.

    What is no redis reply, but came from the database's port, follows `answered: `. Services that
    are no redis have `answered`, were just `connected`, or `closed` without a word.

    `path` is `host/ADDRESS` or `beyond/ADDRESS` for the published port as the host itself or a
    client beyond it asks for it; or it is from inside the container: `database`, `names`, `out`,
    `service/NAME`.
    """

    port: int
    path: str
    answer: str

    @property
    def address(self) -> str:
        """The address that the published port was asked on."""
        return self.path.partition("/")[2]


@dataclass(frozen=True)
class Question:
    """What is asked about a host's instances.

    + ports: the instances
    + addresses: addresses of the host to ask the published ports on
    + beyond: the one on which a client beyond the host asks, none where only the host may
    + health_path: what to ask for
    + db_host, db_port: the database as the containers know it
    + name_server: the bridge's, none where there is no bridge
    + bridged: the kind of container that is on the bridge, and has a name there
    + mode: how containers reach the database
    + own: the host's private address, where containers are neighbours of its clients
    + services: name, port and way of greeting of each service beside the database
    """

    ports: tuple[int, ...]
    addresses: tuple[str, ...]
    beyond: str | None
    health_path: str
    db_host: str
    db_port: int
    name_server: str | None
    bridged: str
    mode: str = ""
    own: str | None = None
    services: tuple[tuple[str, int, str], ...] = ()

    @property
    def words(self) -> dict[str, Any]:
        """What `Paths` takes of it; the rest explains answers."""
        unasked = {"mode", "own"}
        return {key: value for key, value in asdict(self).items() if key not in unasked}


class Paths(ScriptFact[tuple[PathAnswer, ...]]):
    """Ask each instance's published port, and what it needs from inside its container."""

    def command(
        self,
        *,
        ports: Sequence[int],
        addresses: Sequence[str],
        health_path: str,
        db_host: str,
        db_port: int,
        beyond: str | None = None,
        name_server: str | None = None,
        bridged: str = INSTANCE,
        services: Sequence[tuple[str, int, str]] = (),
    ) -> str:
        """Return the script; what it makes on the host is gone when it ends."""
        question = Question(
            tuple(ports),
            tuple(addresses),
            beyond,
            health_path,
            db_host,
            db_port,
            name_server,
            bridged,
            services=tuple(services),
        )
        values = "".join(f"{name}={getattr(names, name)}\n" for name in _NAMES)
        # All at once: a path that drops packets takes its whole time limit.
        asking = "".join(f'say {line} & asked="$asked $!"\n' for line in _lines(question))
        return script(f"{values}{_ASKING}\nmake_client\nasked=\n{asking}wait $asked")

    def read(self, answers: Mapping[str, str]) -> tuple[PathAnswer, ...]:
        """Parse the answers, by port and path."""
        return tuple(
            PathAnswer(int(port), path, text.strip())
            for name, text in sorted(answers.items())
            for port, _, path in [name.partition("/")]
        )


def _lines(question: Question) -> Iterator[str]:
    """Yield, per answer, its name and what says it."""
    database = f"{shlex.quote(question.db_host)} {question.db_port}"
    for port in question.ports:
        instance = container(INSTANCE, port)
        page = f"{port} {shlex.quote(question.health_path)}"
        for address in question.addresses:
            yield f"{port}/host/{address} page {address} {page}"
        yield f"{port}/database greeting {instance} redis {database}"
        for name, service_port, way in question.services:
            place = f"{shlex.quote(name)} {service_port}"
            yield f"{port}/service/{shlex.quote(name)} greeting {instance} {way} {place}"
        if question.beyond:
            yield f"{port}/beyond/{question.beyond} page_beyond {question.beyond} {page}"
        if question.name_server:
            name = container(question.bridged, port)
            yield f"{port}/names name_server {instance} {question.name_server} {name}"
            yield f"{port}/out way_out {instance}"
