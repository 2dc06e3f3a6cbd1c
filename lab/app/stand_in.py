"""Builds the image that stands in for the real app: Debian's puma and ruby-redis, pages of ours.

It behaves as the real one does where a deploy can see it: what it needs to start, what it answers
while its database is away, how it stops, whom it takes for its client. Built only when asked for;
`lab down` keeps it.
"""

import hashlib
from pathlib import Path

from lab import base, lock, machine
from lab.app import oci
from lab.paths import BASES, IMAGES
from lab.shell import run

REPOSITORY = "localhost/onetime-lab-puma"
SUITE = "trixie"
PACKAGES = (
    *("base-files", "dash", "bash", "coreutils", "sed", "grep", "procps", "curl"),
    *("puma", "ruby-redis", "ruby-pg"),
)
# What no program in it reads.
LEFT_OUT = ("doc", "info", "lintian", "locale", "man", "perl5")
SOURCES = Path(__file__).with_name("puma")
USER = 1001


def archive(tag: str = "1") -> Path:
    """Return the archive of the image, whose version is its tag; built if it is not there."""
    machine.refuse_unless_root()
    with lock.hold():
        root = _ensure_root()
        IMAGES.mkdir(parents=True, exist_ok=True)
        path = IMAGES / f"onetime-lab-puma-{tag}-{_digest(root)}.tar"
        if not path.exists():
            _write(path, root, tag)
    return path


def _write(path: Path, root: Path, tag: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "APP_VERSION": tag}
    config = {
        "User": f"{USER}:{USER}",
        "WorkingDir": "/app",
        "Cmd": ["bin/entrypoint.sh"],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "ExposedPorts": {"3000/tcp": {}},
        "StopSignal": "SIGTERM",
    }
    layers = [oci.Tree(root), oci.Tree(SOURCES, "app", owner=USER)]
    oci.write(path, name=f"{REPOSITORY}:{tag}", layers=layers, config=config)


def _digest(root: Path) -> str:
    sources = [Path(__file__), Path(oci.__file__)]
    sources += [path for path in sorted(SOURCES.rglob("*")) if path.is_file()]
    content = [root.name.encode(), *(source.read_bytes() for source in sources)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:12]


def _ensure_root() -> Path:
    content = "\0".join((SUITE, *PACKAGES, *LEFT_OUT))
    root = BASES / f"puma-{SUITE}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    if not root.exists():
        print("unpacking puma", flush=True)
        unfinished = base.begin(root)
        base.bootstrap(SUITE, unfinished, PACKAGES, group="build-puma", variant="extract")
        share = unfinished / "usr/share"
        run("rm", "-rf", *(str(share / name) for name in LEFT_OUT))
        (unfinished / "app/data").mkdir(parents=True)
        run("chown", "-R", f"{USER}:{USER}", str(unfinished / "app"))
        base.finish(unfinished, root)
    return root
