"""The words `files` and `volumes`: what is at which path inside the containers."""

from __future__ import annotations

import re
from itertools import permutations
from typing import Annotated

from pydantic import BeforeValidator

_PART = r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]*"
_PATH = re.compile(rf"(/{_PART})+")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
# What the container's runtime, or Podman, has there itself.
_TAKEN = ("/dev", "/proc", "/sys", "/run/secrets", "/etc/hosts", "/etc/resolv.conf")


def is_path(text: str) -> bool:
    """Tell whether something can be mounted there: a whole path that needs no quotes."""
    return _PATH.fullmatch(text) is not None


def inside(path: str, directory: str) -> bool:
    """Tell whether a path of a container is a directory's, or that directory itself."""
    return path == directory or path.startswith(f"{directory.rstrip('/')}/")


def _check_paths(value: object, what: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"must be a dictionary of {what} by path in the container")  # noqa: TRY004
    for path in value:
        if not isinstance(path, str) or not is_path(path):
            raise ValueError(
                f"must have paths such as /app/etc/config.yaml, and {str(path)[:60]!a} is none"
            )
        if any(inside(path, taken) for taken in _TAKEN):
            raise ValueError(f"must leave {path} to the container itself")
    return value


def _files(value: object) -> dict[str, str]:
    files = _check_paths(value, "files")
    for path, source in files.items():
        if not isinstance(source, str) or not source.isprintable() or not _place(source):
            raise ValueError(f"must say the path of a file or directory here for {path}")
    return files


def _place(source: str) -> str:
    return source.removeprefix("template:")


def _volumes(value: object) -> dict[str, str]:
    volumes = _check_paths(value, "volumes")
    for path, name in volumes.items():
        if not isinstance(name, str) or not _VOLUME.fullmatch(name):
            raise ValueError(f"must say the name of a volume for {path}, such as onetime-data")
    names = list(volumes.values())
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"must use each volume once, and {', '.join(doubles)} stands there twice")
    for path, directory in permutations(volumes, 2):
        if inside(path, directory):
            raise ValueError(f"must not have {path}, which is inside {directory}")
    return volumes


Files = Annotated[dict[str, str], BeforeValidator(_files)]
Volumes = Annotated[dict[str, str], BeforeValidator(_volumes)]
