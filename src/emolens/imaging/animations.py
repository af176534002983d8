"""Recognition of animations among image files, without decoding them."""

import os
from pathlib import Path

from emolens.core.errors import InputError
from emolens.imaging.gif import inspect_gif
from emolens.imaging.kinds import AVIF, GIF, HEIC, PNG, WEBP, kind_by_content
from emolens.imaging.limits import MAX_PIXELS
from emolens.imaging.listing import first_bytes

# The flag of the header VP8X (RFC 9649, 2.7) and its place in the file.
_WEBP_ANIMATION, _WEBP_FLAGS = 0x02, 20
# Brands of image sequences (ISO/IEC 23008-12, 10.3; AV1 Image File Format, 6.3).
_SEQUENCES = {b"avis", b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an animated GIF, PNG or WebP, or a sequence of AVIF or HEIC images.

    Args:
        path: The file. Only of a GIF more than the first bytes are read.

    Returns:
        False also for a damaged file, and for one that cannot be read.
    """
    head = first_bytes(path)
    kind = kind_by_content(head)
    if kind is GIF:
        return _has_frames(path)
    if kind is PNG:
        # The chunk with the number of frames precedes the pixels (APNG specification).
        control = head.partition(b"IDAT")[0].partition(b"acTL")[2]
        return int.from_bytes(control[:4]) > 1
    if kind is WEBP:
        flags = int.from_bytes(head[_WEBP_FLAGS : _WEBP_FLAGS + 1])
        return head[12:16] == b"VP8X" and bool(flags & _WEBP_ANIMATION)
    return kind in {AVIF, HEIC} and head[8:12] in _SEQUENCES


def _has_frames(path: str | os.PathLike[str]) -> bool:
    try:
        return inspect_gif(Path(path).read_bytes(), MAX_PIXELS).n_frames > 1
    except (InputError, OSError):
        return False
