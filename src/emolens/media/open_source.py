"""Plans that turn a user's source argument into a frame source."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from emolens.contract import InputKind
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
    """How to open a source, and its properties.

    Attributes:
        name: Name for messages, without a password.
        open: Opens the source. It may be called again after a loss.
        is_endless: Whether the source runs until it is stopped (cameras).
        path: Path of the source, or None for cameras.
        is_live: Whether frames arrive when they are captured.
        clip: Selected frames.
        frame_s: Seconds between two selected images of a folder; 0 for other sources.
        kind: The kind of the source, for records.
    """

    name: str
    open: Callable[[], FrameSource]
    is_endless: bool
    path: Path | None
    is_live: bool = False
    clip: Clip = field(default_factory=Clip)
    frame_s: float = 0.0
    kind: InputKind = "frames"

    @property
    def title(self) -> str:
        """The name for pages, which are passed on: of a file or folder, without the folders."""
        path = self.path
        return (path.name or path.resolve().name or self.name) if path else self.name

    @property
    def sound_from(self) -> Path | None:
        """The file with the sound of the frames, or None if there is no sound."""
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
    """Determine the kind of a source without opening it.

    Args:
        source: A camera number, an address (`rtsp://...`, `http://...`), a video file, or a folder
            of images.
        clip: Selected frames of a file or folder.
        rate_hz: Images per second of a folder; None means 25.
        max_pixels: Maximum width x height of the images of a folder.
        video_track: Number of the video track of a file, from 1; None selects the largest one.

    Raises:
        ConfigError: An address has an unsupported scheme or no scheme, or an option does not apply:
            a clip of a camera, a rate without a folder, a video track without a file.
    """
    hz = DEFAULT_RATE_HZ if rate_hz is None else rate_hz
    images = partial(ImageSource, clip=clip, rate_hz=hz, max_pixels=max_pixels)
    plan = _plan(source, images, partial(VideoSource, clip=clip, video_track=video_track))
    is_folder = plan.path is not None and plan.path.is_dir()
    if video_track is not None and (plan.path is None or is_folder):
        raise ConfigError(
            f"{plan.name} is not a video file; video_track (--video-track) applies to video files "
            "only"
        )
    if clip is not None and plan.path is None:
        raise ConfigError(
            f"{plan.name} is a live source; clip (--start, --end, --every) applies to files and "
            "folders only"
        )
    if rate_hz is not None and not is_folder:
        raise ConfigError(
            f"{plan.name} has its own time stamps; rate_hz (--rate) applies to folders of images "
            "only"
        )
    clip = clip or Clip()
    # Opening the folder refuses a rate of 0.
    frame_s = clip.every / hz if is_folder and hz > 0 else 0.0
    return replace(plan, clip=clip, frame_s=frame_s)


def _plan(
    source: Source,
    images: Callable[[Path], FrameSource],
    video: Callable[[Path], FrameSource],
) -> SourcePlan:
    text = source if isinstance(source, str | int) else os.fspath(source)
    number = camera_number(text)
    # "0" may also be the name of a file.
    is_stored = isinstance(text, str) and (Path(text).is_file() or Path(text).is_dir())
    if number is not None and not is_stored:
        open_camera = partial(CameraSource, number)
        return SourcePlan(
            f"camera {number}",
            open_camera,
            is_endless=True,
            path=None,
            is_live=True,
            kind="camera",
        )
    name = str(text)
    scheme = scheme_of(name)
    if scheme in NETWORK_SCHEMES:
        shown, connect = without_secrets(name), partial(NetworkSource, name)
        return SourcePlan(
            shown, connect, is_endless=True, path=None, is_live=True, kind="network camera"
        )
    if scheme is not None and not Path(name).exists():
        allowed = ", ".join(sorted(NETWORK_SCHEMES))
        raise ConfigError(
            f"cannot read {without_secrets(name)}; allowed: paths, camera numbers and the schemes "
            f"{allowed}"
        )
    path = Path(name)
    if is_login_without_scheme(name) and not path.exists():
        raise ConfigError(
            "the source is neither a file nor an address; an address begins with its scheme "
            "(rtsp://, http://)"
        )
    is_folder = path.is_dir()
    return SourcePlan(
        name,
        partial(images if is_folder else video, path),
        is_endless=False,
        path=path,
        kind="folder of images" if is_folder else "video",
    )


def plan_of_frames(source: object, *, name: str | None = None) -> SourcePlan:
    """Plan a source object.

    Args:
        source: A `FrameSource`, or any iterable context manager that yields frames (`__iter__`,
            `__enter__` and `__exit__`).
        name: Name for messages; the name of its class by default.

    Raises:
        ConfigError: The object is neither.
    """
    name = name or type(source).__name__
    if isinstance(source, FrameSource):
        is_live = source.report.is_live
        return SourcePlan(name, lambda: source, is_endless=False, path=None, is_live=is_live)
    if not isinstance(source, Frames):
        raise ConfigError(
            f"source is of type {name}; allowed: a camera number, an address, a path, or an "
            "iterable context manager of frames"
        )
    return SourcePlan(name, lambda: PlainSource(source), is_endless=False, path=None)


def paced(plan: SourcePlan) -> SourcePlan:
    """Return a plan that plays a recorded source in real time. Live sources are unchanged."""
    if plan.is_endless or plan.is_live:
        return plan
    return replace(plan, open=lambda: PacedSource(plan.open()))
