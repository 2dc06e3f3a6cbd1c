"""A registry that wants to know who asks: Debian's package, unpacked and run where it lies.

Nothing is installed on the machine. Like the bases of hosts it is finished or absent, and
`lab down` keeps it. It is up while a test has it up, in the namespace maindb: hosts know it as
maindb:5000.
"""

import hashlib
from pathlib import Path

from lab import base
from lab.paths import BASES
from lab.shell import run

SUITE = "trixie"
PACKAGES = ("docker-registry", "openssl")
NAMESPACE = "maindb"
PORT = 5000
NAME = f"{NAMESPACE}:{PORT}"
USER, PASSWORD = "bot", "registry-of-the-lab"
# Of that password, with bcrypt: the registry reads no other kind.
HTPASSWD = f"{USER}:$2a$04$5WJKrNTcVvvviy3nKFUWE.g0ZWbYhTlM6gF3ZRGerwngFIDorR/0q\n"

# What the registry reads. {directory}: its own, where all that it has and needs is.
CONFIG = """version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {directory}/images}}}}
http:
  addr: ":{port}"
  tls: {{certificate: {directory}/certificate, key: {directory}/key}}
auth: {{htpasswd: {{realm: lab, path: {directory}/htpasswd}}}}
"""


def path() -> Path:
    """Say where the unpacked packages are, there or not."""
    content = "\0".join((SUITE, *PACKAGES))
    return BASES / f"registry-{SUITE}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def ensure() -> Path:
    """Return the directory of the packages, unpacked if it isn't there yet (about 5 seconds)."""
    finished = path()
    if not finished.exists():
        print("unpacking the registry", flush=True)
        unfinished = base.begin(finished)
        base.bootstrap(SUITE, unfinished, PACKAGES, group="build-registry", variant="extract")
        base.finish(unfinished, finished)
    return finished


def prepare(unpacked: Path, directory: Path) -> list[str]:
    """Make a registry without images in a directory, and return the command line that runs it.

    Hosts trust it if `certificate` of that directory is its `ca.crt` in their certs.d.
    """
    (directory / "images").mkdir(parents=True)
    (directory / "htpasswd").write_text(HTPASSWD)
    config = directory / "config.yml"
    config.write_text(CONFIG.format(directory=directory, port=PORT))
    request = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    names = ("-subj", f"/CN={NAMESPACE}", "-addext", f"subjectAltName=DNS:{NAMESPACE}")
    files = ("-keyout", str(directory / "key"), "-out", str(directory / "certificate"))
    settings = ("-config", str(unpacked / "etc/ssl/openssl.cnf"))
    run(*_command(unpacked, "openssl", *request, *settings, *names, *files, "-days", "2"))
    return _command(unpacked, "docker-registry", "serve", str(config))


def _command(unpacked: Path, program: str, *arguments: str) -> list[str]:
    """Return the command line that runs a program with the libraries that it was unpacked with."""
    (loader,) = unpacked.glob("usr/lib/*/ld-linux-*.so.*")
    libraries = ["--library-path", str(loader.parent)]
    return [str(loader), *libraries, str(unpacked / "usr/bin" / program), *arguments]
