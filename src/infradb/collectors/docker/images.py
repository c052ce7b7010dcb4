"""What an image reference says: `registry:5000/team/app:1.2@sha256:…`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ID = re.compile(r"(?:sha256:)?(?P<digits>[0-9a-f]{6,64})")
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*(?:[.\-]?(?:alpha|beta|rc|pre|dev)[.\-]?\d*)?)(?:$|[-_+.].*)")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image as it was asked for."""

    name: str
    """Repository, or the image's ID where it has no name."""

    tag: str | None
    """Tag; None where it was asked for by digest or ID."""

    digest: str | None
    """Digest in the registry, else the image's ID."""


def read_image(image_id: str, asked_for: str, names: Sequence[str], digests: Sequence[str]) -> ImageReference:
    """Return what an image is called; `names` and `digests` are what the engine calls it now.

    >>> read_image("sha256:ab", "nginx:1.27", (), ["nginx@sha256:cd"])
    ImageReference(name='nginx', tag='1.27', digest='sha256:cd')
    """
    if _is_id(asked_for, image_id):
        # Built or pulled under a name that went to a newer image since: what it is called now, if anything.
        if not names:
            return ImageReference(image_id, None, image_id)
        asked_for = names[0]
    rest, _, asked_digest = asked_for.partition("@")
    folder, slash, last = rest.rpartition("/")
    base, colon, tag = last.partition(":")
    name = f"{folder}{slash}{base}"
    digest = asked_digest or _digest_of(name, digests) or image_id
    return ImageReference(name, tag if colon else None if asked_digest else "latest", digest)


def version_of(tag: str | None) -> str | None:
    """Return the version that a tag starts with; None where it is none, such as `latest`.

    >>> [version_of(tag) for tag in ("v2.1.3-alpine", "16", "3.0-rc1", "latest", "bookworm", None)]
    ['2.1.3', '16', '3.0-rc1', None, None, None]
    """
    found = _VERSION.fullmatch(tag or "")
    return found[1] if found else None


def _is_id(asked_for: str, image_id: str) -> bool:
    found = _ID.fullmatch(asked_for)
    return bool(found) and image_id.removeprefix("sha256:").startswith(found["digits"] if found else "")


def _digest_of(name: str, digests: Sequence[str]) -> str | None:
    by_name = dict(digest.split("@", 1) for digest in digests if "@" in digest)
    familiar = name.removeprefix("docker.io/").removeprefix("library/")
    return by_name.get(name) or by_name.get(familiar) or next(iter(by_name.values()), None)
