"""Groups of processes that the kernel keeps account of (cgroup v2).

Whatever the lab starts lives in a group of its own, so what runs is always
known from the kernel, and a group ends as a whole: also after the lab's own
command was killed half-way, when a pid file would be missing or stale.
"""

import shlex
import subprocess
from pathlib import Path

from lab.paths import LOGS, NAME
from lab.shell import LabError, RefusalError, run, wait_until


def _tops() -> list[Path]:
    """Find the lab's own top group, first in cgroup v2, and its shadow in v1 where there is one.

    On a machine that has both, systemd-nspawn makes the same groups in v1, for itself.
    """
    v2, v1 = [], []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, filesystem = line.partition(" - ")
        top = Path(mount.split()[4]) / NAME
        if filesystem.startswith("cgroup2 "):
            v2.append(top)
        elif filesystem.startswith("cgroup ") and "name=systemd" in filesystem:
            v1.append(top)
    if not v2:
        raise RefusalError("The lab needs the cgroup v2 file system, which is not mounted here.")
    return v2 + v1


def _top() -> Path:
    return _tops()[0]


def inside(group: str, *argv: str) -> list[str]:
    """Return the command line that runs `argv` as a member of the group, made if needed."""
    directory = _top() / group
    directory.mkdir(parents=True, exist_ok=True)
    return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(directory), *argv]


def start(group: str, *argv: str) -> None:
    """Start `argv` in the group, detached; its output goes to the group's log file."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = shlex.quote(str(LOGS / f"{group}.log"))
    detach = f'setsid "$@" </dev/null >{log} 2>&1 &'
    # The shell is gone at once, so init inherits the process and nobody has to reap it.
    run(*inside(group, "sh", "-c", detach, "sh", *argv))


def running(group: str) -> bool:
    """Whether any process of the group is alive."""
    try:
        return "populated 1" in (_top() / group / "cgroup.events").read_text()
    except FileNotFoundError:
        return False


def kill(group: str) -> None:
    """End every process of the group at once, and the group."""
    directory = _top() / group
    if directory.exists():
        (directory / "cgroup.kill").write_text("1")
        wait_until(lambda: not running(group), what=f"the processes of {group} to end", seconds=30)
    for top in _tops():
        _remove(top / group)


def groups() -> list[str]:
    """List the names of all the lab's groups, running or not."""
    top = _top()
    return sorted(path.name for path in top.iterdir() if path.is_dir()) if top.exists() else []


def remove_top() -> None:
    """Remove the lab's top group, once every group in it has been killed."""
    for top in _tops():
        _remove(top)


def _remove(directory: Path) -> None:
    """Remove an ended group with the groups that a host made below it."""

    def gone() -> bool:
        try:
            below = sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True)
            for path in [*below, directory]:
                path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False  # a process is still on its way out
        return True

    wait_until(gone, what=f"{directory} to empty", seconds=10)


def run_inside(group: str, *argv: str, log: Path) -> None:
    """Run `argv` in the group to its end; LabError with its last words if it fails."""
    command = inside(group, *argv)
    try:
        with log.open("w") as output:
            done = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
    finally:
        kill(group)
    if done.returncode:
        words = " / ".join(log.read_text(errors="replace").splitlines()[-5:])
        raise LabError(f"{argv[0]} failed ({done.returncode}), see {log}: {words}")
