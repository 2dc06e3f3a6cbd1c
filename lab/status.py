"""The table of `lab status`."""

import socket

from rich.console import Console
from rich.table import Table

from lab import api, cgroup, login
from lab.shapes import Spec

COLOURS = {"up": "green", "booting": "yellow", "off": "red"}


def show() -> None:
    """Print every host with its shape, release, state, addresses and how to reach it."""
    # Without a frame all columns fit into 80 characters.
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("host", "shape", "release", "state", "public", "private", "ssh"):
        table.add_column(heading, no_wrap=True)
    for spec in api.known():
        state = _state(spec)
        coloured = f"[{COLOURS[state]}]{state}[/]"
        reach = f"{login.USER}@{spec.public}" if state == "up" else "-"
        addresses = (spec.public, spec.private or "-")
        table.add_row(spec.name, spec.shape.name, spec.shape.suite, coloured, *addresses, reach)
    Console(highlight=False).print(table)


def _state(spec: Spec) -> str:
    """`up` if ssh answers, `booting` if the host runs and it doesn't, else `off`."""
    if not cgroup.running(spec.name):
        return "off"
    try:
        with socket.create_connection((spec.public, login.PORT), timeout=1) as connection:
            return "up" if connection.recv(4) == b"SSH-" else "booting"
    except OSError:
        return "booting"
