"""Drawn clips, made with PyAV, whose frames say which number they are."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from av.container import OutputContainer

from emolens.imaging.pyav import av

Image = npt.NDArray[np.uint8]

N_BITS: Final = 8
RATE_HZ: Final = 25
SOUND_RATE_HZ: Final = 48_000
_DARK, _LIGHT, _GROUND = 40, 215, 128
# Matrices of a track header: the image as stored, mirrored, and turned for display. A point
# (x, y) goes to (a x + c y, b x + d y), y pointing down (ISO/IEC 14496-12, 8.3.2 and 6.2.2).
MATRICES: Final = {
    "as stored": (1, 0, 0, 1),
    "90 clockwise": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "90 anticlockwise": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transposed the other way": (0, -1, -1, 0),
}


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """What is in a clip.

    Attributes:
        codec: Name of FFmpeg's encoder.
        size_wh: (width, height) in pixels.
        n_frames: How many frames there are.
        ticks: Time stamps in units of `time_base`; frames at `RATE_HZ` unless given.
        time_base: The unit, 1/`RATE_HZ` unless given.
        b_frames: How many B-frames may follow each other.
        key_every: Frames from one key frame to the next.
        encoder: Further options of the encoder.
        muxer: Options of the container.
        sound: Encoder of a tone along with the images, or None.
        pix_fmt: Format of the pixels.
        pixel_ratio: Width of a pixel by its height, or None to say nothing about it.
    """

    codec: str = "libx264"
    size_wh: tuple[int, int] = (96, 64)
    n_frames: int = 30
    ticks: Sequence[int] | None = None
    time_base: Fraction = Fraction(1, RATE_HZ)
    b_frames: int = 0
    key_every: int = 12
    encoder: Mapping[str, str] = field(default_factory=dict)
    muxer: Mapping[str, str] = field(default_factory=dict)
    sound: str | None = None
    pix_fmt: str = "yuv420p"
    pixel_ratio: Fraction | None = None


def numbered_image(number: int, size_wh: tuple[int, int] = (96, 64)) -> Image:
    """An image whose upper half has the bits of its number from left to right, lowest first."""
    width, height = size_wh
    image = np.full((height, width, 3), _GROUND, np.uint8)
    edges = np.linspace(0, width, N_BITS + 1).round().astype(int)
    for bit in range(N_BITS):
        is_set = number >> bit & 1
        image[: height // 2, edges[bit] : edges[bit + 1]] = _LIGHT if is_set else _DARK
    return image


def read_number(image: Image) -> int:
    """Which number a decoded `numbered_image` has."""
    height, width = image.shape[:2]
    middles = ((np.arange(N_BITS) + 0.5) * width / N_BITS).astype(int)
    values = image[height // 4, middles].mean(axis=1)
    return int(sum((value > _GROUND) << bit for bit, value in enumerate(values)))


def make_clip(
    path: Path, recipe: ClipRecipe | None = None, *, images: Iterable[Image] | None = None
) -> Path:
    """Write a clip; its container follows the suffix.

    Args:
        path: Its name.
        recipe: What is in it.
        images: Its images; numbered ones unless given.
    """
    recipe = recipe or ClipRecipe()
    if images is None:
        images = (numbered_image(i, recipe.size_wh) for i in range(recipe.n_frames))
    ticks = range(recipe.n_frames) if recipe.ticks is None else recipe.ticks
    with av.open(f"file:{path}", "w", container_options=dict(recipe.muxer)) as output:
        video = _add_video(output, recipe)
        sound = _add_sound(output, recipe.sound) if recipe.sound else None
        output.start_encoding()  # a file without frames is a file too
        for tick, image in zip(ticks, images, strict=False):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = tick, recipe.time_base
            output.mux(video.encode(frame))
        output.mux(video.encode())
        if sound is not None:
            for tone in _tone(recipe.n_frames / RATE_HZ):
                output.mux(sound.encode(tone))
            output.mux(sound.encode())
    return path


def make_tracks(
    path: Path, recipes: Sequence[ClipRecipe], *, default: int | None = None, sound: str = ""
) -> Path:
    """Write a file with several videos of numbered images.

    Args:
        path: Its name.
        recipes: What is in each of them.
        default: Place among them of the one that the file calls its default.
        sound: Encoder of a tone that comes before them, or nothing.
    """
    with av.open(f"file:{path}", "w") as output:
        tone = _add_sound(output, sound) if sound else None
        videos = [_add_video(output, recipe) for recipe in recipes]
        if default is not None:
            for place, video in enumerate(videos):
                video.disposition = av.stream.Disposition(int(place == default))
        for i in range(max(recipe.n_frames for recipe in recipes)):
            for video, recipe in zip(videos, recipes, strict=True):
                if i < recipe.n_frames:
                    image = numbered_image(i, recipe.size_wh)
                    frame = av.VideoFrame.from_ndarray(image, format="bgr24")
                    frame.pts, frame.time_base = i, recipe.time_base
                    output.mux(video.encode(frame))
        for video in videos:
            output.mux(video.encode())
        if tone is not None:
            for block in _tone(1.0):
                output.mux(tone.encode(block))
            output.mux(tone.encode())
    return path


def make_sound(path: Path, codec: str, *, cover: bytes | None = None) -> Path:
    """Write a second of a tone, with a cover image (PNG) if one is given."""
    with av.open(str(path), "w") as output:
        sound = _add_sound(output, codec)
        image = None
        if cover is not None:
            image = output.add_stream("png", width=32, height=32)
            assert isinstance(image, av.VideoStream)
            image.pix_fmt = "rgb24"
            image.disposition = av.stream.Disposition.attached_pic
        if image is not None and cover is not None:
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts = image, 0, 0
            packet.time_base = Fraction(1, RATE_HZ)
            packet.is_keyframe = True
            output.mux(packet)
        for tone in _tone(1.0):
            output.mux(sound.encode(tone))
        output.mux(sound.encode())
    return path


def turn_display(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Put another matrix (a, b, c, d) into the track header of an MP4 file with one track."""
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd") + 4
    assert content[header] == 0, "a track header of version 0"
    a, b, c, d = (value << 16 for value in matrix)
    content[header + 40 : header + 76] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def displayed(image: Image, matrix: tuple[int, int, int, int]) -> Image:
    """The image that a matrix of a track header makes of a stored one, pixel by pixel."""
    a, b, c, d = matrix
    rows, columns = np.indices(image.shape[:2])
    across, down = a * columns + c * rows, b * columns + d * rows
    across, down = across - across.min(), down - down.min()
    shown = np.empty((down.max() + 1, across.max() + 1, 3), np.uint8)
    shown[down, across] = image
    return shown


def packet_times(path: Path) -> list[float]:
    """Times of all packets of the first video, in order of display: what the container says."""
    with av.open(f"file:{path}") as container:
        packets = container.demux(container.streams.video[0])
        return sorted(float(p.pts * p.time_base) for p in packets if p.pts is not None)


def sound_packets(path: Path) -> list[bytes]:
    """The bytes of all packets of the first sound."""
    with av.open(f"file:{path}") as container:
        return [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]


def _encoder_options(recipe: ClipRecipe) -> dict[str, str]:
    options = {"g": str(recipe.key_every), "bf": str(recipe.b_frames), "threads": "1"}
    if recipe.codec == "libx264":
        options |= {"preset": "veryfast", "sc_threshold": "0"}
    return options | dict(recipe.encoder)


def _add_video(output: OutputContainer, recipe: ClipRecipe) -> av.VideoStream:
    video = output.add_stream(recipe.codec, rate=RATE_HZ, options=_encoder_options(recipe))
    assert isinstance(video, av.VideoStream)
    video.width, video.height = recipe.size_wh
    video.pix_fmt = recipe.pix_fmt
    video.codec_context.time_base = recipe.time_base
    if recipe.pixel_ratio is not None:
        video.codec_context.sample_aspect_ratio = recipe.pixel_ratio
    return video


def _add_sound(output: OutputContainer, codec: str) -> av.AudioStream:
    sound = output.add_stream(codec, rate=SOUND_RATE_HZ, layout="mono")
    assert isinstance(sound, av.AudioStream)
    return sound


def _tone(seconds: float) -> Iterator[av.AudioFrame]:
    samples = round(seconds * SOUND_RATE_HZ)
    wave = np.sin(np.arange(samples, dtype=np.float32) * (2 * np.pi * 440 / SOUND_RATE_HZ))
    for start in range(0, samples, 1024):
        block = np.ascontiguousarray(wave[None, start : start + 1024] * 0.5)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE_HZ, start
        frame.time_base = Fraction(1, SOUND_RATE_HZ)
        yield frame
