"""Programs of a host that are broken once: they stand before the host's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.harness import ssh

IN_THE_SWITCH = "grep -q onetime-switch /proc/self/cgroup"


@contextmanager
def broken(host: str, program: str, words: str, fault: str, *, only: str = ":") -> Iterator[None]:
    """Have a program do something else first when it is called with these words next.

    + words: as a pattern of the shell's
    + fault: a command; the program itself follows, unless it ends or replaces the shell
    + only: a condition; `IN_THE_SWITCH` for calls by the switch alone
    """
    script = (
        "#!/bin/sh\\n"
        f'case "$*" in {words}) {only} && rm /run/broken 2>/dev/null && {fault} ;; esac\\n'
        f'exec /usr/bin/{program} "$@"\\n'
    )
    path = f"/usr/local/bin/{program}"
    ssh(host, f"touch /run/broken; printf '{script}' >{path}; chmod +x {path}")
    try:
        yield
    finally:
        ssh(host, f"rm -f {path} /run/broken")
