"""Jobs beside the instances: after them, the scheduler last; and back with all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.machine import Machine

JOBS = ["billing", "emails", "scheduler"]
FINISHED = 3


@pytest.fixture
def working(deployed: Machine) -> Machine:
    """Return a host whose release 2 has two workers and the scheduler."""
    deployed.release(2, "jobs")
    deployed.switch(1, 2, watch=0)
    assert deployed.perform().code == 0
    assert deployed.is_whole(2)
    return deployed


def altered(directory: Path, job: str) -> None:
    """Have a job of a release be made from something else."""
    file = directory / f"quadlet/onetime-job@{job}.container.d/config.conf"
    file.write_text(file.read_text().replace("config=", "config=other"))


def test_jobs_start_after_the_instances_and_the_scheduler_last(working: Machine) -> None:
    started = [call.split()[1] for call in working.restarted[-5:]]
    assert started == [
        "onetime@7043.service",
        "onetime@7044.service",
        *(f"onetime-job@{job}.service" for job in JOBS),
    ]


def test_job_that_changes_is_all_that_restarts(working: Machine) -> None:
    altered(working.release(3, "jobs"), "emails")
    working.switch(2, 3)
    before = len(working.restarted)
    assert working.perform().code == 0
    assert working.is_whole(3)
    assert working.restarted[before:] == ["restart onetime-job@emails.service"]


def test_scheduler_that_changes_stops_before_any_start(working: Machine) -> None:
    altered(working.release(3, "jobs"), "scheduler")
    working.switch(2, 3)
    before = len(working.calls("systemctl"))
    assert working.perform().code == 0
    calls = [call for call in working.calls("systemctl")[before:] if "scheduler" in call]
    assert calls.index("stop onetime-job@scheduler.service") < calls.index(
        "restart onetime-job@scheduler.service"
    )
    assert working.is_whole(3)


def test_jobs_that_are_no_more_are_stopped(working: Machine) -> None:
    working.release(3, "secrets")
    working.switch(2, 3)
    assert working.perform().code == 0
    assert working.is_whole(3)
    assert not [name for name in working.running() if name.startswith("onetime-job")]


@pytest.mark.parametrize("job", JOBS)
def test_job_that_does_not_start_brings_all_back(working: Machine, job: str) -> None:
    (working.state / "journal").write_text("cannot reach RabbitMQ\n")
    directory = working.release(3, "jobs")
    for name in JOBS:
        altered(directory, name)
    (directory / f"broken-{job}").touch()
    working.switch(2, 3)
    done = working.perform()
    assert working.result == "1"
    assert working.is_whole(2)
    assert f"job {job} did not start; its last lines:\ncannot reach RabbitMQ" in done.output


def test_job_that_does_not_stay_up_brings_all_back(working: Machine) -> None:
    altered(working.release(3, "jobs"), "emails")
    working.switch(2, 3)
    # While it is watched, it ends.
    (working.state / "meanwhile").write_text(
        '[ "$1" != 5 ] || { rm -f "$STATE/containers/onetime-job-emails"; '
        'rm -f "$STATE/meanwhile"; }\n'
    )
    done = working.perform()
    assert working.result == "1"
    assert "job emails did not stay up" in done.output
    assert working.is_whole(2)


def test_kill_on_the_way_is_completed(working: Machine) -> None:
    directory = working.release(3, "jobs")
    for name in JOBS:
        altered(directory, name)
    working.switch(2, 3)
    before = len(working.calls("systemctl"))
    working.crash_at(40, "after")
    for _ in range(FINISHED):
        if not (working.base / "switching").exists():
            break
        working.perform()
    assert working.is_whole(3) or working.is_whole(2)
    assert len(working.calls("systemctl")) > before


def resume(machine: Machine) -> list[str]:
    """Return the units that are started once nobody changes the host any more."""
    before = len(machine.calls("systemctl"))
    result = machine.run(machine.base / "releases/2/host/resume.sh")
    assert result.code == 0, result.output
    return machine.calls("systemctl")[before:]


def test_scheduler_starts_again_when_its_run_is_over(working: Machine) -> None:
    lock = working.root / "run/onetime/lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("somebody 1-2\n")
    # The run fails while the host waits, and does not touch its lock any more.
    (working.state / "meanwhile").write_text(
        f"touch -d '1 hour ago' {lock}; echo waited >>$STATE/ps\n"
    )
    assert resume(working) == ["start onetime-job@scheduler.service"]
    assert (working.state / "ps").read_text() == "waited\n"


def test_scheduler_stays_as_it_is_until_the_change_is_over(working: Machine) -> None:
    change = working.base / "switching"
    change.touch()
    (working.state / "meanwhile").write_text(f"rm {change}\n")
    assert resume(working) == ["start onetime-job@scheduler.service"]


def test_scheduler_that_is_no_more_is_not_started(working: Machine) -> None:
    working.release(3, "macvlan")
    working.switch(2, 3)
    assert working.perform().code == 0
    assert resume(working) == []
