"""The word `registry_login`: who asks a registry for images, checked and typed.

The password is never here: the inventory says where it is to be found.
"""

from __future__ import annotations

import base64
import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from plan.inventory.values import checked
from plan.inventory.variables import Source

_REGISTRY = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*"

Registry = Annotated[str, checked(_REGISTRY, "a registry such as ghcr.io or registry.example:5000")]
User = Annotated[str, checked(r"[^:\s-][^:]{0,254}", "a user's name, without a colon")]


class RegistryLogin(BaseModel):
    """The word `registry_login`.

    + registry: whose login it is; left out, that of the image
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    registry: Registry | None = None
    user: User
    password: Source


def registry_of(image: str) -> str | None:
    """Return the registry that an image's reference names; none where it names none."""
    domain, slash, _ = image.partition("/")
    return domain if slash and ("." in domain or ":" in domain) else None


def auth_file(login: RegistryLogin, image: str, password: str) -> str:
    """Return the text of the file that Podman reads a login from: containers-auth.json(5)."""
    registry = login.registry or registry_of(image) or ""
    encoded = base64.b64encode(f"{login.user}:{password}".encode()).decode()
    return json.dumps({"auths": {registry: {"auth": encoded}}})
