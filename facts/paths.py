"""What answers on each path of each instance, asked on the host in one remote command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facts.reading import ScriptFact, script
from facts.values import Readable

# Nothing but bash is asked of the host, and nothing at all of the image: the database is called
# from the container's network namespace, with its hosts and resolv.conf over the host's own in a
# mount namespace that ends with the question.
_SCRIPT = r"""
page() {
  timeout 10 bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit
    printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" "$2" "$0" >&3
    IFS= read -r line <&3 && echo "$line"' "$@" 2>&1 || [ $? -ne 124 ] || echo timeout
}
database() {
  seen=$(podman inspect --format '{{.State.Pid}} {{.HostsPath}} {{.ResolvConfPath}}' "$1" 2>&1) ||
    { echo "$seen"; return 0; }
  nsenter --target "${seen%% *}" --net unshare --mount bash -c '
    read -r _ hosts resolv <<<"$0"
    [ ! -e "$hosts" ] || mount --bind "$hosts" /etc/hosts
    [ ! -e "$resolv" ] || [ ! -e /etc/resolv.conf ] || mount --bind "$resolv" /etc/resolv.conf
    exec timeout 10 bash -c '\''
      exec 3<>"/dev/tcp/$0/$1" || exit
      printf "PING\r\n" >&3
      IFS= read -r line <&3 && echo "$line"'\'' "$1" "$2"' "$seen" "$2" "$3" 2>&1 ||
    [ $? -ne 124 ] || echo timeout
}
"""


@dataclass(frozen=True)
class PathAnswer(Readable):
    """What came back on one path: an HTTP status line, a redis reply, or an error's text.

    `path` is `database`, or the host address that the published port was asked on.
    """

    port: int
    path: str
    answer: str


class Paths(ScriptFact[tuple[PathAnswer, ...]]):
    """Ask each instance's published port, and the database from inside its container.

    + ports: the instances
    + addresses: addresses of the host to ask the published ports on
    + health_path: what to ask for
    + db_host, db_port: the database as the containers know it
    """

    def command(
        self,
        ports: Sequence[int],
        addresses: Sequence[str],
        health_path: str = "/api/v2/status",
        db_host: str = "maindb",
        db_port: int = 6379,
    ) -> str:
        """Return the script; it changes nothing on the host."""
        questions = []
        for port in ports:
            questions += [
                f"say {port}/{address} page {address} {port} {shlex.quote(health_path)} &"
                for address in addresses
            ]
            questions.append(
                f"say {port}/database database onetime-{port} {shlex.quote(db_host)} {db_port} &"
            )
        # All at once: a path that drops packets takes its whole time limit.
        return script(_SCRIPT + "\n".join([*questions, "wait"]))

    def read(self, answers: Mapping[str, str]) -> tuple[PathAnswer, ...]:
        """Parse the answers, by port and path."""
        return tuple(
            PathAnswer(int(port), path, text.strip())
            for name, text in sorted(answers.items())
            for port, _, path in [name.partition("/")]
        )
