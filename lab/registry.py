"""A registry that wants to know who asks, up while a test has it up.

It is in the namespace maindb: hosts know it as maindb:5000.
"""

from pathlib import Path

from lab.shell import run
from lab.unpacked import REGISTRY

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


def prepare(directory: Path) -> list[str]:
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
    settings = ("-config", str(REGISTRY.ensure() / "etc/ssl/openssl.cnf"))
    run(*REGISTRY.command("usr/bin/openssl", *request, *settings, *names, *files, "-days", "2"))
    return REGISTRY.command("usr/bin/docker-registry", "serve", str(config))
