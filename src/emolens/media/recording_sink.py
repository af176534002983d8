"""Recordings of annotated streams, with original time stamps and sound."""

import contextlib
import os
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
import numpy.typing as npt

from emolens.contract import Provenance
from emolens.core.errors import OutputError
from emolens.core.frame import Frame, FrameResult
from emolens.imaging.pyav import OutputContainer, VideoStream, av
from emolens.media.sound import Sound
from emolens.media.video_file import reason_of
from emolens.storage.names import RECORDING_SUFFIXES, check_suffix

COMMENT: Final = "comment"
"""Key of the record of how a recording was made, in the metadata of its container."""
# 90 kHz time stamps, as in MPEG. Matroska itself rounds to milliseconds.
_TIME_BASE: Final = Fraction(1, 90_000)
_RATE_HINT_HZ: Final = 30
# If times go back further, as in concatenated files, the recording continues without a gap.
_MAX_BACK_S: Final = 0.5
# Data are flushed several times a second, with a key frame every second. If the process is killed,
# the recording still opens and misses at most that much.
_MUXER_OPTIONS: Final = {
    ".mkv": {
        "cluster_time_limit": "250",
        "flush_packets": "1",
        # Otherwise sound that begins before zero shifts all time stamps.
        "avoid_negative_ts": "disabled",
    },
    ".mp4": {
        "frag_duration": "500000",
        "movie_timescale": "90000",
        "flush_packets": "1",
    },
}
# An MP4 header written immediately supports neither sound nor a start time other than zero.
_HEADER_AT_ONCE: Final = {"movflags": "+frag_keyframe+default_base_moof+empty_moov"}
_HEADER_AFTER_A_SECOND: Final = {"movflags": "+frag_keyframe+default_base_moof+delay_moov"}
_KEY_FRAME_EVERY_S: Final = 1.0
# The limit of libx264.
_MAX_SIDE_PX: Final = 16_384
# Disk space kept free, so that tables written next to the recording can be completed.
_RESERVE_BYTES: Final = 64_000_000
_RESERVE_SHARE: Final = 0.02
_CHECK_DISK_EVERY: Final = 15


class RecordingSink:
    """A sink that writes frames into a Matroska (.mkv) or fragmented MP4 (.mp4) file with H.264.

    Implements `emolens.core.ports.ResultSink`. Unlike other outputs, the file has its final name
    from the first frame on. After half a second it can be opened at any time, even if the process
    is killed. Frames keep their `media_time_s`, including uneven intervals. If the times begin
    below zero, the recording begins at zero. Pixels are square, as in all frames.

    Args:
        path: A path with the suffix .mkv or .mp4.
        sound_from: A file whose sound is copied for the duration of the frames, or None.
        made: The record of how the frames are made, for the comment of the container.

    Raises:
        ConfigError: The suffix is not allowed.
        OutputError: The file cannot be written.
    """

    def __init__(
        self, path: Path, *, sound_from: Path | None = None, made: Provenance | None = None
    ) -> None:
        check_recording_name(path)
        self._made = made
        self._path = path
        self._sound_from = sound_from
        self._output: OutputContainer | None = None
        self._video: VideoStream | None = None
        self._sound: Sound | None = None
        self._size_wh = (0, 0)
        self._last_pts = -1
        self._last_key_s = -np.inf
        self._last_s = 0.0
        self._step_s = 1 / _RATE_HINT_HZ
        self._shift_s = 0.0
        self._offsets_s: tuple[float, ...] = (0.0,)
        self._n_frames = 0
        self._is_closed = False
        self.warnings: list[str] = []
        _make_folder(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add a frame. The result is not used, and a closed recording ignores frames.

        Raises:
            OutputError: The disk is full or nearly full, or the frame cannot be encoded. The
                recording so far is kept and closed.
        """
        del result
        if self._is_closed:
            return
        try:
            if self._n_frames % _CHECK_DISK_EVERY == 0:
                self._check_disk()
            if self._output is None:
                self._begin(frame)
            self._encode(frame)
            self._n_frames += 1
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error, frame.media_time_s) from error

    def close(self) -> None:
        """Write pending data and close the file. Closing it again has no effect.

        Raises:
            OutputError: The end cannot be written. The earlier part is kept.
        """
        output, video = self._output, self._video
        self._output, self._is_closed = None, True
        if output is None or video is None:
            return
        try:
            for packet in video.encode():
                output.mux(packet)
            self._copy_sound(self._last_s + self._step_s)
            output.close()
        except (av.FFmpegError, OSError) as error:
            _abandon(output)
            raise OutputError(
                f"cannot write the end of {self._path}: {reason_of(error)}"
            ) from error
        finally:
            if self._sound:
                self._sound.close()

    def _begin(self, frame: Frame) -> None:
        if max(frame.size_wh) > _MAX_SIDE_PX:
            width, height = frame.size_wh
            raise OSError(
                f"frames are {width}x{height} px; allowed by H.264: {_MAX_SIDE_PX:,} px per side"
            )
        suffix = self._path.suffix.lower()
        options = dict(_MUXER_OPTIONS[suffix])
        if suffix == ".mp4":
            is_plain = self._sound_from is None and frame.media_time_s < _TIME_BASE
            options |= _HEADER_AT_ONCE if is_plain else _HEADER_AFTER_A_SECOND
        # Otherwise FFmpeg interprets a file name that begins with "rtsp:" as an address.
        output = av.open(f"file:{self._path}", "w", container_options=options)
        # Without a random identifier in the Matroska file, the same input gives the same bytes.
        output.flags |= av.container.Flags.bitexact.value  # type: ignore[operator]  # an int
        if self._made:
            output.metadata[COMMENT] = self._made.to_json()
        self._output = output
        self._size_wh = _even(frame.size_wh)
        video = output.add_stream("libx264", rate=_RATE_HINT_HZ, options=_codec_options())
        video.width, video.height = self._size_wh
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = _TIME_BASE
        video.time_base = _TIME_BASE
        self._video = video
        # Sound may begin slightly before the first frame, because decoders need a preroll.
        began_s = frame.media_time_s if frame.index else -np.inf
        # Containers do not allow negative times.
        self._shift_s = max(0.0, -frame.media_time_s)
        self._last_s = frame.media_time_s + self._shift_s
        if self._sound_from is not None:
            self._sound = Sound.open(self._sound_from, output, began_s + self._shift_s)
            if self._sound is None:
                self.warnings.append(
                    f"cannot copy the sound of {self._sound_from}; the recording is silent"
                )

    def _encode(self, frame: Frame) -> None:
        output, video = self._output, self._video
        if output is None or video is None:
            return
        encodable = av.VideoFrame.from_ndarray(_fitted(frame.image, self._size_wh), format="bgr24")
        at_s = self._time_of(frame)
        # Encoders require increasing times, so simultaneous frames are one tick apart.
        pts = max(round(at_s / _TIME_BASE), self._last_pts + 1)
        self._last_pts = encodable.pts = pts
        encodable.time_base = _TIME_BASE
        if at_s - self._last_key_s >= _KEY_FRAME_EVERY_S:
            encodable.pict_type = av.video.frame.PictureType.I
            self._last_key_s = at_s
        for packet in video.encode(encodable):
            output.mux(packet)
        self._offsets_s = frame.clock_offsets_s
        self._copy_sound(at_s)

    def _copy_sound(self, until_s: float) -> None:
        if self._sound:
            offsets_s = [offset_s + self._shift_s for offset_s in self._offsets_s]
            self._sound.copy_until(until_s, offsets_s)

    def _time_of(self, frame: Frame) -> float:
        at_s = frame.media_time_s + self._shift_s
        if at_s < self._last_s - _MAX_BACK_S:
            self._shift_s += self._last_s + self._step_s - at_s
            at_s = self._last_s + self._step_s
        elif at_s > self._last_s:
            self._step_s = at_s - self._last_s
        self._last_s = at_s
        return at_s

    def _check_disk(self) -> None:
        usage = shutil.disk_usage(self._path.parent)
        reserve = min(_RESERVE_BYTES, _RESERVE_SHARE * usage.total)
        if usage.free < reserve:
            raise OSError(f"the disk is nearly full ({usage.free / 1e6:.0f} MB free)")

    def _failed(self, error: Exception, at_s: float) -> OutputError:
        with contextlib.suppress(OutputError):
            self.close()
        if self._n_frames == 0:
            if self._video:
                self._path.unlink(missing_ok=True)
            return OutputError(f"cannot record {self._path}: {reason_of(error)}")
        return OutputError(
            f"stopped recording {self._path} at {at_s:.1f} s: {reason_of(error)}. The recording up "
            "to that time is kept."
        )


def check_recording_name(path: Path) -> None:
    """Check the suffix of a recording.

    Raises:
        ConfigError: The suffix is not allowed.
    """
    check_suffix(path, RECORDING_SUFFIXES, is_any_device=False)


def _codec_options() -> dict[str, str]:
    # Without B-frames and lookahead, no frames are pending in the encoder when a process is killed.
    # One thread gives the same bytes on every computer.
    return {
        "preset": "veryfast",
        "tune": "zerolatency",
        "crf": "20",
        "forced-idr": "1",
        "threads": "1",
    }


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder. Give the name of a file.")
        if not os.access(path.parent, os.W_OK):
            raise OutputError(f"cannot write {path}: the folder is not writable")
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"cannot create the folder of {path}: {error.strerror}") from error


def _even(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Round a size up to even numbers, as H.264 with 4:2:0 chroma requires."""
    width, height = size_wh
    return width + width % 2, height + height % 2


def _fitted(image: npt.NDArray[np.uint8], size_wh: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Fit a frame to the size of the recording: pad it by one pixel, or letterbox it."""
    width, height = size_wh
    if image.shape[:2] == (height, width):
        return image
    if max(width - image.shape[1], height - image.shape[0]) <= 1 and not (
        image.shape[1] > width or image.shape[0] > height
    ):
        bottom, right = height - image.shape[0], width - image.shape[1]
        return np.asarray(
            cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8
        )
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    resized = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = resized
    return canvas


def _abandon(output: OutputContainer) -> None:
    with contextlib.suppress(av.FFmpegError, OSError):
        output.close()
