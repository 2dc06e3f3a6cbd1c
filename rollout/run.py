"""What one run of pyinfra remembers, for all of its hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import gevent
from pyinfra.api import State
from pyinfra.api.operation import OperationMeta


@dataclass
class Run:
    """A run's memory.

    + switched: the operation that changes each host, by the host's name
    + beats: what keeps each host's lock alive, by the host's name
    + changes: whether its plan does anything; none before there is one
    + plan: the id of that plan, empty where there is none
    + notify: the commands that are told of the run, and `announced` once they were
    """

    switched: dict[str, OperationMeta] = field(default_factory=dict)
    beats: dict[str, gevent.Greenlet[..., Any]] = field(default_factory=dict)
    changes: bool | None = None
    plan: str = ""
    notify: tuple[tuple[str, ...], ...] = ()
    announced: bool = False

    @property
    def failed(self) -> str | None:
        """The name of a host that this run has failed to change, if any."""
        return next(
            (
                name
                for name, operation in self.switched.items()
                if operation.is_complete() and operation.did_error()
            ),
            None,
        )


_runs: WeakKeyDictionary[State, Run] = WeakKeyDictionary()


def current_run(state: State) -> Run:
    """Return the memory of the run that this is."""
    return _runs.setdefault(state, Run())
