"""What every refused run has in common: it says each problem once, and touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.lab.harness import Run, Site, snapshot

# Nothing else on the lab's LAN uses these.
RANGE = "10.0.0.120/29"
OTHER_RANGE = "10.0.0.72/29"

# A run waits for silence on the LAN, and pyinfra starts slowly: several at once cost the same.
_AT_ONCE = 6


@dataclass(frozen=True)
class Problem:
    """One problem's line: whose it is, under which word, and a part of what was seen."""

    host: str
    key: str
    seen: str


@dataclass(frozen=True)
class Case:
    """Data of an inventory and an environment that are wrong in one way, and how that is said."""

    data: Mapping[str, Any]
    key: str
    seen: str
    env: Mapping[str, str] = field(default_factory=dict)
    by_host: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def wrong(key: str, value: object, seen: str) -> Case:
    """Return the case of one word with a wrong value."""
    return Case({key: value}, key, seen)


def check(run: Run, *problems: Problem) -> None:
    """Check that a run was refused for exactly these problems, in lines that help."""
    assert run.code != 0, run.output
    lines = [line[4:] for line in run.output.splitlines() if line.startswith("  - ")]
    assert len(lines) == len(problems), run.output
    for line, problem in zip(lines, problems, strict=True):
        assert line.startswith(f"{problem.host}: {problem.key}: "), line
        assert problem.seen in line, line
        # A sentence on what was seen, and one on what to do about it.
        assert ". " in line, line
        assert line.endswith("."), line
    plural = "s" if len(problems) > 1 else ""
    assert f"{len(problems)} problem{plural}; nothing was changed" in run.output


def refused(site: Site, *problems: Problem, flags: tuple[str, ...] = (), **data: Any) -> None:
    """Deploy with more data for all hosts; check that it is refused and that nothing is touched."""
    before = {host: snapshot(host) for host in site.hosts}
    run = Site(site.directory, site.hosts, {**site.everywhere, **data}, site.by_host).deploy(*flags)
    check(run, *problems)
    assert {host: snapshot(host) for host in site.hosts} == before


def attempt_all(site: Site, cases: Mapping[str, Case]) -> dict[str, Run]:
    """Deploy each case to the same untouched hosts; check that all together touched nothing."""
    before = {host: snapshot(host) for host in site.hosts}

    def attempt(number: int, case: Case) -> Run:
        directory = site.directory / str(number)
        directory.mkdir()
        by_host = {
            host: {**site.by_host.get(host, {}), **case.by_host.get(host, {})}
            for host in site.hosts
        }
        everywhere = {**site.everywhere, **case.data}
        return Site(directory, site.hosts, everywhere, by_host).deploy(env=case.env)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        runs = dict(zip(cases, pool.map(attempt, range(len(cases)), cases.values()), strict=True))
    assert {host: snapshot(host) for host in site.hosts} == before
    return runs
