"""Running commands, waiting for conditions, and the lab's two kinds of error."""

import subprocess
import time
from collections.abc import Callable, Mapping


class LabError(Exception):
    """Something went wrong that the message explains; the command exits with 1."""

    exit_code = 1


class RefusalError(LabError):
    """The lab cannot or must not do what was asked, and did nothing; exits with 2."""

    exit_code = 2


def run(*argv: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed; LabError with its last words if it fails."""
    done = subprocess.run(argv, check=False, input=stdin, env=env, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise LabError(f"{' '.join(argv)} failed ({done.returncode}): " + " / ".join(words))
    return done.stdout


def succeeds(*argv: str) -> bool:
    """Whether a command exits with 0."""
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Return as soon as `condition` holds; LabError naming `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} seconds in vain for {what}")
        time.sleep(0.05)
