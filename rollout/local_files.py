"""The files of this machine that containers get: read, and rendered where they are templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2

from names import MOUNTED_BYTES, MOUNTED_FILES
from plan.inventory.mounts import is_path
from plan.inventory.settings import Settings
from plan.problems import Problems

_TEMPLATE = "template:"
# What a template does not get: it would show in the release's files.
_PRIVATE = {"secrets", "release_secrets", "wireguard"}


def local_files(host: str, settings: Settings) -> dict[str, str]:
    """Return the content of each file by its path in the containers; bytes as surrogates.

    Raises `PlanError` for what this machine does not have, or what is no template.
    """
    problems = Problems(host)
    files: dict[str, str] = {}
    for path, source in settings.files.items():
        template = source.startswith(_TEMPLATE)
        try:
            expanded = dict(_expanded(path, Path(source.removeprefix(_TEMPLATE))))
            if doubles := sorted(expanded.keys() & files.keys()):
                problems.add("files", f"{source} gives {doubles[0]} a second time", "Leave one out")
            for place, file in expanded.items():
                text = _content(file)
                files[place] = _rendered(host, settings, text) if template else text
        except OSError as error:
            problems.add("files", f"{source}: {error.strerror}", "Correct the path, or the file")
        except ValueError as error:
            problems.add("files", f"{source} {error}", "Correct it")
    size = sum(len(text) for text in files.values())
    if len(files) > MOUNTED_FILES or size > MOUNTED_BYTES:
        problems.add(
            "files",
            f"they are {len(files)} files of {size >> 10} KiB together",
            f"Give at most {MOUNTED_FILES} and {MOUNTED_BYTES >> 10} KiB: they are kept on the "
            "host with each release",
        )
    problems.stop()
    return files


def _expanded(path: str, source: Path) -> Iterator[tuple[str, Path]]:
    """Yield the path in the container and here of a file, or of each file of a directory.

    Raises `ValueError` for what is neither.
    """
    if source.is_dir():
        if not any(file.is_file() for file in source.rglob("*")):
            raise ValueError("holds no file")
        for file in sorted(source.rglob("*")):
            if file.is_dir() and not file.is_symlink():
                continue
            if not file.is_file() or not file.resolve().is_relative_to(source.resolve()):
                raise ValueError(f"holds {file.name}, which is no file of that directory")
            place = f"{path}/{file.relative_to(source)}"
            if not is_path(place):
                raise ValueError(
                    f"holds {file.name!a}, a name of other characters than A-Z a-z 0-9 ._@+-"
                )
            yield place, file
    elif source.exists() and not source.is_file():
        raise ValueError("is neither a file nor a directory")
    else:
        yield path, source


def _content(file: Path) -> str:
    """Return what a file holds; raise `ValueError` where it is too large, before it is read."""
    if file.stat().st_size > MOUNTED_BYTES:
        raise ValueError(f"has more than {MOUNTED_BYTES >> 20} MiB")
    return file.read_bytes().decode(errors="surrogateescape")


def _rendered(host: str, settings: Settings, text: str) -> str:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration, not HTML
    )
    words = settings.model_dump(exclude=_PRIVATE)
    try:
        return environment.from_string(text).render(host=host, **words)
    # Whatever a template does, it is one line for the operator.
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"cannot be rendered: {reason}") from None
