"""Podman secrets: made before the release that names them, and never changed."""

from __future__ import annotations

import base64
from collections.abc import Generator

from pyinfra.api import deploy, operation

from names import CONFIG_LABEL
from plan.compare.changes import Changes
from plan.model import Secret
from tasks import lock


@deploy("Secrets")
def ensure(changes: Changes) -> None:
    """Make the secrets that the host does not have yet."""
    for secret in changes.secrets:
        value = base64.b64encode(secret.value.encode()).decode()
        create(name="Make a secret", secret=secret, _stdin=value)


@operation()
def create(secret: Secret) -> Generator[str]:
    """Make a Podman secret; its value comes on standard input, in base64.

    + secret: its name, and the digest of its value, kept as a label
    """
    yield (
        f"{lock.HELD}; base64 -d | podman secret create --replace "
        f"--label {CONFIG_LABEL}={secret.config} {secret.name} - >/dev/null"
    )
