"""From what a user calls a source to something that gives frames."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from emolens.media.image_source import DEFAULT_RATE_HZ, ImageSource
from emolens.media.network_source import NetworkSource
from emolens.media.paced_source import PacedSource
from emolens.media.plain_source import Frames, PlainSource
from emolens.media.sound import has_sound
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
        is_live: Whether its frames come when they are captured.
        clip: Which of its frames are wanted.
        frame_s: Seconds from one image of a folder to the next one that is wanted, else 0.
    """

    name: str
    open: Callable[[], FrameSource]
    is_endless: bool
    path: Path | None
    is_live: bool = False
    clip: Clip = field(default_factory=Clip)
    frame_s: float = 0.0

    @property
    def sound_from(self) -> Path | None:
        """The file whose sound belongs to the frames, or None where they have none."""
        is_file = self.path is not None and self.path.is_file()
        return self.path if self.path and is_file and has_sound(self.path) else None


def plan_source(
    source: Source,
    *,
    clip: Clip | None = None,
    rate_hz: float | None = None,
    max_pixels: int = MAX_PIXELS,
    video_track: int | None = None,
) -> SourcePlan:
    """Find out what a source is; nothing is opened yet.

    Args:
        source: Number of a camera, an address (`rtsp://...`, `http://...`), a video file, or a
            folder of images.
        clip: Which frames of a file or folder are wanted.
        rate_hz: Images per second of a folder; None takes 25.
        max_pixels: Largest width x height of its images.
        video_track: Number of the video track of a file, from 1; None takes the one that shows
            most.

    Raises:
        ConfigError: An address with a scheme that is not read, or without any, or an option that
            this source has no use for: a clip of a camera, a rate of what is no folder, a video
            track of what is no file.
    """
    hz = DEFAULT_RATE_HZ if rate_hz is None else rate_hz
    images = partial(ImageSource, clip=clip, rate_hz=hz, max_pixels=max_pixels)
    plan = _plan(source, images, partial(VideoSource, clip=clip, video_track=video_track))
    is_folder = plan.path is not None and plan.path.is_dir()
    if video_track is not None and (plan.path is None or is_folder):
        raise ConfigError(f"{plan.name} is no video file; only these have video tracks to choose")
    if clip is not None and plan.path is None:
        raise ConfigError(f"{plan.name} has no end; a clip can be taken of files and folders only")
    if rate_hz is not None and not is_folder:
        raise ConfigError(
            f"{plan.name} has time stamps of its own; a rate can be given to folders of images only"
        )
    clip = clip or Clip()
    # A rate of 0 is refused when the folder is opened.
    frame_s = clip.every / hz if is_folder and hz > 0 else 0.0
    return replace(plan, clip=clip, frame_s=frame_s)


def _plan(
    source: Source,
    images: Callable[[Path], FrameSource],
    video: Callable[[Path], FrameSource],
) -> SourcePlan:
    text = source if isinstance(source, str | int) else os.fspath(source)
    number = camera_number(text)
    # A file may be called "0" too.
    is_stored = isinstance(text, str) and (Path(text).is_file() or Path(text).is_dir())
    if number is not None and not is_stored:
        open_camera = partial(CameraSource, number)
        return SourcePlan(f"camera {number}", open_camera, is_endless=True, path=None, is_live=True)
    name = str(text)
    scheme = scheme_of(name)
    if scheme in NETWORK_SCHEMES:
        shown, connect = without_secrets(name), partial(NetworkSource, name)
        return SourcePlan(shown, connect, is_endless=True, path=None, is_live=True)
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
    open_source = partial(images if path.is_dir() else video, path)
    return SourcePlan(name, open_source, is_endless=False, path=path)


def plan_of_frames(source: object, *, name: str | None = None) -> SourcePlan:
    """Plan an object that gives frames.

    Args:
        source: A `FrameSource`, or anything to loop over and close (`__iter__`, `__enter__` and
            `__exit__`), of which there is nothing else to say.
        name: What to call it; the name of its class unless given.

    Raises:
        ConfigError: Another object.
    """
    name = name or type(source).__name__
    if isinstance(source, FrameSource):
        is_live = source.report.is_live
        return SourcePlan(name, lambda: source, is_endless=False, path=None, is_live=is_live)
    if not isinstance(source, Frames):
        raise ConfigError(
            "a source is the number of a camera, an address, a path, or an object that gives "
            f"frames and can be closed, got {name}"
        )
    return SourcePlan(name, lambda: PlainSource(source), is_endless=False, path=None)


def paced(plan: SourcePlan) -> SourcePlan:
    """The same source at the speed at which it was recorded; live ones have theirs anyway."""
    if plan.is_endless or plan.is_live:
        return plan
    return replace(plan, open=lambda: PacedSource(plan.open()))
