"""What the app says on all hosts of a run, in one stream: by time, or as it comes."""

from __future__ import annotations

import heapq
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

import gevent
from pyinfra import logger
from pyinfra.api import Host, State

from facts.journal import Line, question, read_line
from names import SILENCE
from plan.inventory.settings import Settings
from plan.journal import WORDS, Wanted, wanted
from plan.problems import PlanError, Problem
from rollout.command_line import typed
from rollout.fleet import unreachable
from rollout.observe import conceal_secrets, read_settings
from rollout.refusal import RefusalError
from rollout.stream import FAILURES, Stream, end_when_interrupted, harmless, show
from rollout.turn import take_turn

# Of the JSON lines; another number means that fields went or changed their meaning.
_SCHEMA = 1
_ALL_ANSWERED, _NOT_ALL = 0, 1


@dataclass(frozen=True)
class _Told:
    """A line, and whose it is."""

    host: str
    instance: str
    line: Line


def tell(state: State) -> NoReturn:
    """Print the lines of all hosts of the run and end it: with 0 if each has answered.

    pyinfra comes here for each host; the first does it for all.
    """
    take_turn()
    hosts = {host.name: host for host in state.inventory if host in state.active_hosts}
    asked = _asked(hosts)
    end_when_interrupted()
    missing = unreachable(state)
    for problem in missing:
        logger.error("%s", problem)
    answered = _Reader(hosts, asked, as_json="format" in typed()).read()
    sys.exit(_NOT_ALL if missing or not answered else _ALL_ANSWERED)


def _asked(hosts: Mapping[str, Host]) -> Wanted:
    """Return what is asked for; raise `RefusalError` with all that is wrong with it."""
    try:
        settings = _settings(hosts)
        asked = wanted(typed(), settings)
    except PlanError as error:
        raise RefusalError(str(error)) from None
    for name, of_host in settings.items():
        for problem in conceal_secrets(name, of_host):
            logger.warning("%s Its value is not hidden in what follows", problem)
    return asked


def _settings(hosts: Mapping[str, Host]) -> dict[str, Settings]:
    """Return the settings of all hosts; raise `PlanError` with all that is wrong with them."""
    settings: dict[str, Settings] = {}
    problems: list[Problem] = []
    for name, host in hosts.items():
        try:
            settings[name] = read_settings(host, *WORDS, "format")
        except PlanError as error:
            problems += error.problems
    if problems:
        raise PlanError(problems)
    return settings


class _Reader:
    """Reads what was asked for from every host, and prints it."""

    def __init__(self, hosts: Mapping[str, Host], asked: Wanted, *, as_json: bool) -> None:
        self._hosts, self._asked, self._as_json = hosts, asked, as_json
        names = [name for tags in asked.tags.values() for name in tags.values()]
        self._widths = max(map(len, asked.tags)), max(map(len, names))
        self._failed: set[str] = set()

    def read(self) -> bool:
        """Print all lines; tell whether every host has answered to the end."""
        # All hosts look for their lines at the same time.
        jobs = {host: gevent.spawn(self._open, host) for host in self._asked.tags}
        gevent.joinall(list(jobs.values()), raise_error=True)
        lines = [self._lines(host, job.value) for host, job in jobs.items() if job.value]
        if self._asked.follow:
            readers = [gevent.spawn(self._print_all, each) for each in lines]
            gevent.joinall(readers, raise_error=True)
        else:
            self._print_all(heapq.merge(*lines, key=lambda entry: entry.line.at))
        return not self._failed

    def _open(self, host: str) -> Stream | None:
        asked = self._asked
        command = question(asked.tags[host], asked.since, asked.pattern, follow=asked.follow)
        try:
            return Stream(self._hosts[host], command, patience=None if asked.follow else SILENCE)
        except FAILURES as error:
            self._fail(host, f"it cannot be asked: {error}")
            return None

    def _lines(self, host: str, stream: Stream) -> Iterator[_Told]:
        """Yield a host's lines; where they end too early, say so."""
        tags = self._asked.tags[host]
        try:
            for text in stream.output():
                line = read_line(text)
                if line.tag in tags:
                    yield _Told(host, tags[line.tag], line)
            complaints = list(stream.errors())
            code = stream.code()
        except FAILURES as error:
            complaints, code = [str(error)], 1
        # No line that matches is no failure, but ends with 1 all the same.
        if self._asked.follow or (code and (complaints or not self._asked.pattern)):
            reason = "; ".join(complaints) or f"journalctl ended with exit code {code}"
            self._fail(host, f"its lines end here: {reason}")

    def _fail(self, host: str, sentence: str) -> None:
        self._failed.add(host)
        logger.error("%s: %s", host, harmless(sentence))

    def _print_all(self, lines: Iterable[_Told]) -> None:
        for entry in lines:
            self._print(entry)

    def _print(self, entry: _Told) -> None:
        text = harmless(entry.line.text)
        if self._as_json:
            at = entry.line.at.isoformat(timespec="microseconds")
            origin = {"host": entry.host, "instance": entry.instance}
            show(json.dumps({"schema": _SCHEMA, **origin, "at": at, "line": text}))
        else:
            at = entry.line.at.strftime("%Y-%m-%d %H:%M:%S")
            host_width, width = self._widths
            show(f"{at}  {entry.host:{host_width}}  {entry.instance:{width}}  {text}")
