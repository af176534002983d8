"""From what a user calls a source to something that gives frames."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from emolens.core.errors import ConfigError
from emolens.core.ports import FrameSource
from emolens.imaging.decode import MAX_PIXELS
from emolens.media.addresses import (
    NETWORK_SCHEMES,
    camera_number,
    is_login_without_scheme,
    scheme_of,
    without_secrets,
)
from emolens.media.camera_source import CameraSource
from emolens.media.clip import Clip
from emolens.media.network_source import NetworkSource
from emolens.media.paced_source import PacedSource
from emolens.media.picture_source import DEFAULT_RATE_HZ, PictureSource
from emolens.media.video_source import VideoSource

Source = int | str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How a source is opened and what may be expected of it.

    Attributes:
        name: What to call it in messages; without a password.
        open: Opens it; may be called again after it was lost.
        is_endless: Whether it should go on until somebody stops it (cameras).
        path: Where it lies, or None for cameras.
    """

    name: str
    open: Callable[[], FrameSource]
    is_endless: bool
    path: Path | None


def plan_source(
    source: Source,
    *,
    clip: Clip | None = None,
    rate_hz: float = DEFAULT_RATE_HZ,
    max_pixels: int = MAX_PIXELS,
    video_track: int | None = None,
) -> SourcePlan:
    """Find out what a source is; nothing is opened yet.

    Args:
        source: Number of a camera, an address (`rtsp://...`, `http://...`), a video file, or a
            folder of pictures.
        clip: Which frames of a file or folder are wanted.
        rate_hz: Pictures per second of a folder.
        max_pixels: Largest width x height of its pictures.
        video_track: Number of the video track of a file, from 1; None takes the one that shows
            most.

    Raises:
        ConfigError: An address with a scheme that is not read, or without any, or a video track of
            what is no file.
    """
    pictures = partial(PictureSource, clip=clip, rate_hz=rate_hz, max_pixels=max_pixels)
    plan = _plan(source, pictures, partial(VideoSource, clip=clip, video_track=video_track))
    if video_track is not None and (plan.path is None or plan.path.is_dir()):
        raise ConfigError(f"{plan.name} is no video file; only these have video tracks to choose")
    return plan


def _plan(
    source: Source,
    pictures: Callable[[Path], FrameSource],
    video: Callable[[Path], FrameSource],
) -> SourcePlan:
    text = source if isinstance(source, str | int) else os.fspath(source)
    number = camera_number(text)
    # A file may be called "0" too.
    is_stored = isinstance(text, str) and (Path(text).is_file() or Path(text).is_dir())
    if number is not None and not is_stored:
        return SourcePlan(
            f"camera {number}", partial(CameraSource, number), is_endless=True, path=None
        )
    name = str(text)
    scheme = scheme_of(name)
    if scheme in NETWORK_SCHEMES:
        return SourcePlan(
            without_secrets(name), partial(NetworkSource, name), is_endless=True, path=None
        )
    if scheme is not None and not Path(name).exists():
        allowed = ", ".join(sorted(NETWORK_SCHEMES))
        raise ConfigError(
            f"cannot read {without_secrets(name)}; allowed are paths, numbers of cameras and the "
            f"schemes {allowed}"
        )
    path = Path(name)
    if is_login_without_scheme(name) and not path.exists():
        raise ConfigError(
            "there is no such file, and an address is a text that begins with its scheme and two "
            "slashes (rtsp://, http://)"
        )
    open_source = partial(pictures if path.is_dir() else video, path)
    return SourcePlan(name, open_source, is_endless=False, path=path)


def paced(plan: SourcePlan) -> SourcePlan:
    """The same source at the speed at which it was recorded; cameras have theirs anyway."""
    if plan.is_endless:
        return plan
    return SourcePlan(plan.name, lambda: PacedSource(plan.open()), is_endless=False, path=plan.path)
