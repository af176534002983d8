"""Watch a clip: what its frames say, without their pixels."""

import dataclasses
from pathlib import Path

from emolens.media.clip import Clip
from emolens.media.video_source import VideoSource
from tests.clips import ClipRecipe, read_number

H264 = ClipRecipe(b_frames=3)


@dataclasses.dataclass(frozen=True)
class Seen:
    """A frame without its pixels."""

    index: int
    at_s: float
    number: int


def watch(path: Path, clip: Clip | None = None) -> tuple[list[Seen], list[str]]:
    """All frames of a clip and the warnings about it."""
    with VideoSource(path, clip=clip) as source:
        seen = [Seen(f.index, f.media_time_s, read_number(f.image)) for f in source]
        return seen, source.warnings
