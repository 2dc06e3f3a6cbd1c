"""Images: which the host lacks, what keeps them from coming, and what a followed tag stands for."""

from __future__ import annotations

from collections.abc import Iterator

from facts.installed import InstalledState
from facts.tag import TagState
from plan.inventory.registries import registry_of
from plan.inventory.settings import Settings
from plan.problems import Problem


def missing_images(
    settings: Settings, installed: InstalledState
) -> Iterator[tuple[str, str, str | None]]:
    """Yield word, reference and archive of each image that the host does not have."""
    if settings.image not in installed.podman.images:
        yield "image", settings.image, settings.image_archive
    if (tunnel := settings.tunnel) and tunnel.image not in installed.podman.images:
        yield "wireguard", tunnel.image, tunnel.image_archive


def check_image(host: str, settings: Settings, installed: InstalledState) -> Iterator[Problem]:
    """Yield what is known to be wrong with the images without asking a registry."""
    for key, image, archive in missing_images(settings, installed):
        if image.endswith("/onetimesecret:current") and archive is None:
            yield Problem(
                host,
                key,
                f"the host does not have {image}, and no registry does: the app's own tool gives "
                "that name to an image that it has",
                "Name a release, such as v0.26.19",
            )
        elif image.startswith("localhost/") and archive is None:
            yield Problem(
                host,
                key,
                f"the host does not have {image}, which cannot be pulled",
                "Set image_archive to a local archive that holds it",
            )


def check_registry(host: str, settings: Settings, tag: TagState | None) -> Iterator[Problem]:
    """Yield what keeps a login from being used, or a tag from being followed.

    + tag: what the image's tag stands for, where it was asked for
    """
    image, login = settings.image, settings.registry_login
    if login and login.registry is None and registry_of(image) is None:
        yield Problem(
            host,
            "registry_login",
            f"{image} names no registry, so nobody can tell whose login this is",
            "Write image with its registry, or give registry",
        )
    if settings.follow_tag and (observation := _unfollowable(settings)):
        yield Problem(host, "follow_tag", observation, "Leave one of the two out")
    if tag and tag.refused:
        yield Problem(
            host,
            "registry_login",
            f"the registry {'refuses this login' if login else 'wants a login'}, asked what "
            f"{image} stands for ({tag.trouble})",
            "Correct user and password, or set follow_tag to False"
            if login
            else "Give user and password, or set follow_tag to False",
        )


def _unfollowable(settings: Settings) -> str:
    """Return why nobody can follow the image's tag, empty if that can be done."""
    if "@" in settings.image:
        return "image names a digest, which never stands for anything else"
    if settings.image_archive is not None:
        return "a tag is followed at a registry, and image_archive is for hosts without one"
    if registry_of(settings.image) is None:
        return f"{settings.image} names no registry that could be asked"
    return ""


def is_followed(settings: Settings, installed: InstalledState) -> bool:
    """Tell whether a registry is to be asked what the image's tag stands for now."""
    has_image = settings.image in installed.podman.images
    return settings.follow_tag and has_image and not _unfollowable(settings)


def moved_tag(tag: TagState | None) -> tuple[str, str] | None:
    """Return the digests that a tag stands for on the host and at its registry, if they differ."""
    if tag is None or tag.registry is None or tag.registry in tag.host:
        return None
    return tag.host[0], tag.registry


def untold(settings: Settings, tag: TagState | None) -> Iterator[str]:
    """Yield a warning where a registry did not tell what the image's tag stands for."""
    if tag and tag.registry is None:
        yield (
            f"follow_tag: the registry does not tell what {settings.image} stands for now "
            f"({tag.trouble}): this goes on with the image that is there"
        )
