"""A host in a directory: releases from the golden ones, and stand-ins that keep its state."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.golden.cases import HOME as GOLDEN

STAND_INS = Path(__file__).parent / "stand_ins"
PORTS = (7043, 7044)


@dataclass(frozen=True)
class Result:
    """How a program ended, and what it said."""

    code: int
    output: str


class Machine:
    """A host's files below `root`, and what its tools would show below `state`."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        self.state = directory / "state"
        for path in (
            "etc/onetime/releases",
            "etc/systemd/system",
            "run",
            "sys/class/net",
            "var/lib/containers",
        ):
            (self.root / path).mkdir(parents=True)
        forwarding = self.root / "proc/sys/net/ipv4/ip_forward"
        forwarding.parent.mkdir(parents=True)
        forwarding.write_text("0\n")
        for kind in ("units", "containers", "networks", "secrets"):
            (self.state / kind).mkdir(parents=True)
        for name in ("calls", "ruleset", "journal", "ps"):
            (self.state / name).write_text("")
        (self.state / "number").write_text("0\n")

    @property
    def base(self) -> Path:
        """Return the deploy's own directory."""
        return self.root / "etc/onetime"

    def release(self, number: int, case: str, *, broken: int | None = None) -> Path:
        """Put a golden release in place, its paths below this root; return its directory.

        + broken: the port of an instance that never becomes healthy from it
        """
        directory = self.base / "releases" / str(number)
        shutil.copytree(GOLDEN / case, directory)
        for line in (directory / "LISTING").read_text().splitlines():
            if line.startswith("link "):
                _, path, _, target = line.split()
                (directory / path).symlink_to(target)
        names = directory / "host/names"
        text = names.read_text()
        for top in ("etc", "run", "proc", "sys", "var"):
            text = text.replace(f"=/{top}/", f"={self.root}/{top}/")
            text = text.replace(f" /{top}/", f" {self.root}/{top}/")
            text = text.replace(f"'/{top}/", f"'{self.root}/{top}/")
            text = text.replace(f"\n/{top}/", f"\n{self.root}/{top}/")
        text = text.replace("PROC=/proc\n", f"PROC={self.root}/proc\n")
        names.write_text(text)
        if broken is not None:
            (directory / f"broken-{broken}").touch()
        return directory

    def run(self, program: Path, *arguments: str, stdin: str = "", **environment: str) -> Result:
        """Run a program of a release as its unit would, in a process group of its own."""
        with self.start(program, *arguments, **environment) as running:
            output, _ = running.communicate(stdin, timeout=30)
            return Result(running.returncode, output)

    @contextmanager
    def start(
        self, program: Path, *arguments: str, **environment: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a program like `run`, and yield it; it is killed if it has not ended then."""
        shell = "bash" if program.name == "firewall.sh" else "sh"
        with subprocess.Popen(
            [shell, str(program), *arguments],
            env={
                "PATH": f"{STAND_INS}:{os.environ['PATH']}",
                "STATE": str(self.state),
                "ROOT": str(self.root),
                "LC_ALL": "C",
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def switch(self, origin: int, to: int, *, rules: str = "0", watch: int = 5) -> None:
        """Write down a change, as the deploy does before it starts the switch's unit."""
        change = (f"from={origin}", f"to={to}", f"rules={rules}", f"watch={watch}")
        words = (*change, "token=4711", "operator=me@here", "plan=p1")
        (self.base / "switching").write_text("".join(f"{word}\n" for word in words))
        link = self.base / "switch"
        link.unlink(missing_ok=True)
        link.symlink_to(f"releases/{max(origin, to)}")

    def perform(self) -> Result:
        """Run the switch's unit once."""
        return self.run(self.base / "switch/host/switch.sh")

    def calls(self, program: str) -> list[str]:
        """Return the arguments of each call of a program, in order."""
        lines = (self.state / "calls").read_text().splitlines()
        return [
            line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")
        ]

    def crash_at(self, number: int, moment: str) -> None:
        """Have the program killed at that call from now on, `before` or `after` what it does."""
        (self.state / "number").write_text("0\n")
        (self.state / "crash-at").write_text(f"{moment} {number}\n")

    @contextmanager
    def again(self) -> Iterator[Callable[[], None]]:
        """Keep the host as it is now, and yield a function that brings it back to that."""
        parent = self.root.parent
        copy = parent.with_name(f"{parent.name}-copy")
        shutil.copytree(parent, copy, symlinks=True)

        def restore() -> None:
            shutil.rmtree(parent)
            shutil.copytree(copy, parent, symlinks=True)

        yield restore

    @property
    def result(self) -> str:
        """Return how the last change ended, as its operator reads it."""
        return (self.root / "run/onetime/result").read_text().strip()

    @property
    def restarted(self) -> list[str]:
        """Return the restarts that systemd was asked for, in order."""
        return [call for call in self.calls("systemctl") if call.startswith("restart")]

    @property
    def current(self) -> int | None:
        """Return the number of the release that is live."""
        link = self.base / "current"
        return int(link.readlink().name) if link.is_symlink() else None

    def running(self) -> dict[str, str]:
        """Return the digest that each container was made from, by name."""
        files = (self.state / "containers").iterdir()
        return {file.name: file.read_text().split()[0] for file in files}

    def networks(self) -> dict[str, str]:
        """Return the digest that each network was made from, by name."""
        files = (self.state / "networks").iterdir()
        return {file.name: file.read_text().strip() for file in files}

    def planned(self, number: int) -> tuple[dict[str, str], dict[str, str]]:
        """Return what a release says of containers and networks, by name, as digests."""
        quadlet = self.base / "releases" / str(number) / "quadlet"
        containers = {
            file.parent.name.removesuffix(".container.d").replace("@", "-"): _label(file)
            for file in quadlet.glob("*.container.d/config.conf")
        }
        return containers, {file.stem: _label(file) for file in quadlet.glob("*.network")}

    def is_whole(self, number: int) -> bool:
        """Tell whether a release is live, all of it and nothing else."""
        return (
            self.current == number
            and (self.running(), self.networks()) == self.planned(number)
            and not (self.base / "switching").exists()
        )


def _label(file: Path) -> str:
    key = "Label=onetime.config="
    lines = file.read_text().splitlines()
    return next(line.removeprefix(key) for line in lines if line.startswith(key))
