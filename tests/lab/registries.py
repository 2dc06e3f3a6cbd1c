"""The lab's registry, up and down as a test says, and the images that are pushed there."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from pathlib import Path

from lab import api, netns
from lab.registry import NAME, NAMESPACE, PASSWORD, PORT, USER
from lab.shell import succeeds, wait_until

REPOSITORY = f"{NAME}/team/app"


class Registry:
    """A registry that keeps what it has while it is down."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._argv = netns.inside(NAMESPACE, api.registry_command(directory))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        with (self.directory / "log").open("a") as log:
            self._process = subprocess.Popen(self._argv, stdout=log, stderr=log)
        question = (
            *("curl", "-sS", "--cacert", str(self.directory / "certificate")),
            *("--resolve", f"{NAME}:127.0.0.1", f"https://{NAME}/v2/"),
        )
        answers = netns.inside(NAMESPACE, question)
        wait_until(lambda: succeeds(*answers), what=f"port {PORT} to answer", seconds=20)

    def stop(self) -> None:
        """End it, if it is up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def trust(self, host: str) -> None:
        """Have a host trust the registry's certificate, as an operator would."""
        home = f"/etc/containers/certs.d/{NAME}"
        done = api.ssh(
            host,
            f"mkdir -p {home} && cat >{home}/ca.crt",
            stdin=self.directory / "certificate",
        )
        assert done.returncode == 0, done.stderr

    def push(self, host: str, version: str, tag: str) -> str:
        """Push a version of the app from a host, which keeps nothing of it; return its digest."""
        loaded, target = f"localhost/onetime-lab:{version}", shlex.quote(f"{REPOSITORY}:{tag}")
        entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
        login = shlex.quote(json.dumps({"auths": {NAME: entry}}))
        # No argument of Podman's: the journal keeps the command lines of whatever writes to it.
        done = api.ssh(
            host,
            f"umask 077; trap 'rm -f /run/login' EXIT; printf %s {login} >/run/login; "
            "podman load --quiet && "
            f"podman push --quiet --authfile /run/login {loaded} {target} && "
            f"podman rmi {loaded}",
            stdin=api.image_archive(version),
        )
        assert done.returncode == 0, done.stderr
        tags = self.directory / "images/docker/registry/v2/repositories/team/app/_manifests/tags"
        return (tags / tag / "current/link").read_text().strip()
