"""Media types: those of images, checked against their bytes, and the choice of an answer's."""

import re
from collections.abc import Mapping
from typing import Final

from emolens.core.errors import UnsupportedFormatError
from emolens.imaging.decode import FORMATS
from emolens.imaging.kinds import (
    AVIF,
    BMP,
    GIF,
    HEAD_BYTES,
    HEIC,
    JPEG,
    PNG,
    PNM,
    TIFF,
    WEBP,
    FileKind,
    kind_of,
)

ANY_TYPE: Final = "application/octet-stream"
"""The media type of bytes that the client says nothing about."""
# HEIF is the container of HEIC and AVIF.
_HEIF_TYPES: Final = ("image/heif", "image/heif-sequence")
_TYPES: Final[Mapping[FileKind, tuple[str, ...]]] = {
    JPEG: ("image/jpeg", "image/jpg", "image/pjpeg"),
    PNG: ("image/png", "image/apng", "image/x-png"),
    WEBP: ("image/webp",),
    GIF: ("image/gif",),
    BMP: ("image/bmp", "image/x-bmp", "image/x-ms-bmp"),
    TIFF: ("image/tiff",),
    HEIC: ("image/heic", "image/heic-sequence", *_HEIF_TYPES),
    AVIF: ("image/avif", "image/avif-sequence", *_HEIF_TYPES),
    PNM: (
        *("image/x-portable-anymap", "image/x-portable-bitmap"),
        *("image/x-portable-graymap", "image/x-portable-pixmap"),
    ),
}
IMAGE_TYPES: Final = tuple(dict.fromkeys(one for types in _TYPES.values() for one in types))
"""The media types of images, each once."""
# Source: RFC 9110, 12.4.2.
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_USUAL_TYPES: Final = tuple(types[0] for types in _TYPES.values())


def media_type_of(content_type: str) -> str:
    """Return the media type of a `Content-Type` header in lower case, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def check_media_type(declared: str, encoded: bytes) -> None:
    """Check that the declared media type of an image is that of its bytes.

    Without a type, with `application/octet-stream` and without any bytes, there is nothing to
    compare, and the decoder reports what is wrong.

    Args:
        declared: The `Content-Type` header; empty if there is none.
        encoded: The image file, or at least its first `HEAD_BYTES`.

    Raises:
        UnsupportedFormatError: The type is not that of an image, or the bytes are of another type.
    """
    media_type = media_type_of(declared)
    if media_type in ("", ANY_TYPE):
        return
    kind = kind_of(encoded[:HEAD_BYTES])
    if media_type not in IMAGE_TYPES:
        raise UnsupportedFormatError(
            f"the media type {media_type!r} is not that of an image; allowed: "
            f"{', '.join(_USUAL_TYPES)} and {ANY_TYPE}.{_advice(kind)}"
        )
    if encoded and (kind is None or media_type not in _TYPES.get(kind, ())):
        raise UnsupportedFormatError(
            f"the media type is {media_type!r}, but the format of the body is "
            f"{_described(kind)}.{_advice(kind)}"
        )


def prefers(accept: str, media_type: str, usual_type: str) -> bool:
    """Return whether a client prefers a media type of the answer to the usual one.

    Args:
        accept: The `Accept` header; empty if there is none.
        media_type: The type in question.
        usual_type: The type of the answer unless the client prefers the other one.
    """
    weights = dict(_weighted(part) for part in accept.split(","))
    return _weight(weights, media_type) > _weight(weights, usual_type)


def _weighted(part: str) -> tuple[str, float]:
    """Return the media range of a part of an `Accept` header and its weight, 1 by default."""
    media_range, *parameters = (one.strip() for one in part.lower().split(";"))
    weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    return media_range, float(weight) if _WEIGHT.fullmatch(weight) else 0.0


def _weight(weights: Mapping[str, float], media_type: str) -> float:
    """Return the weight of a type: that of the most specific range that contains it."""
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((weights[one] for one in ranges if one in weights), 0.0)


def _described(kind: FileKind | None) -> str:
    if kind is not None and kind.is_readable:
        return kind.name
    return f"{'unknown' if kind is None else kind.name}; allowed: {', '.join(FORMATS)}"


def _advice(kind: FileKind | None) -> str:
    if kind is None:
        return " Send an image in one of these formats."
    if not kind.is_readable:
        return f" {kind.advice}."
    return f" Send the header Content-Type: {_TYPES[kind][0]}, or {ANY_TYPE}."
