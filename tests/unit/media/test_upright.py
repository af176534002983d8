import dataclasses
import gc
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emolens.imaging.pyav import av
from emolens.media.upright import Upright
from emolens.media.video_source import VideoSource
from tests.clips import (
    MATRICES,
    ClipRecipe,
    displayed,
    make_clip,
    numbered_image,
    read_number,
    turn_display,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", MATRICES)
def test_an_image_is_turned_and_mirrored_as_its_file_says(name: str, tmp_path: Path) -> None:
    image = numbered_image(0b00010110)
    image[40:, :20] = (0, 0, 255)
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=2), images=[image, image])
    turn_display(path, MATRICES[name])
    with VideoSource(path) as source:
        shown = next(iter(source)).image
    expected = displayed(image, MATRICES[name])
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 5
    assert shown.flags.c_contiguous


def test_a_phone_held_upright_stores_its_image_turned_by_a_quarter() -> None:
    """What is at the left of the stored image is at the top of the one that is shown."""
    stored = np.zeros((4, 6, 3), np.uint8)
    stored[:, 0] = 255
    shown = displayed(stored, MATRICES["90 clockwise"])
    assert shown.shape == (6, 4, 3)
    assert shown[0].min() == 255
    np.testing.assert_array_equal(shown, np.rot90(stored, -1))


def test_without_a_matrix_an_image_stays_as_it_is() -> None:
    image = numbered_image(5)
    frame = av.VideoFrame.from_ndarray(image, format="bgr24")
    np.testing.assert_array_equal(Upright().to_bgr(frame), image)


# Pixels that are not square

WIDE = ClipRecipe(n_frames=3, pixel_ratio=Fraction(2))


def shapes_of(path: Path) -> tuple[list[tuple[int, int]], list[str]]:
    """The sizes of all frames, which have to be numbered, and the warnings."""
    with VideoSource(path) as source:
        frames = list(source)
    assert [read_number(frame.image) for frame in frames] == list(range(len(frames)))
    return [frame.size_wh for frame in frames], source.warnings


JPEG = dataclasses.replace(WIDE, codec="mjpeg", pix_fmt="yuvj420p")
HEVC = dataclasses.replace(WIDE, codec="libx265", encoder={"x265-params": "log-level=none"})
WIDE_CLIPS = {
    **{f"h264.{suffix}": WIDE for suffix in ("mp4", "mov", "mkv", "avi", "flv", "ts", "h264")},
    **{f"b-frames.{s}": dataclasses.replace(WIDE, b_frames=2) for s in ("mp4", "mkv", "avi", "ts")},
    **{f"mpeg4.{s}": dataclasses.replace(WIDE, codec="mpeg4") for s in ("mp4", "mkv", "avi", "ts")},
    **{f"jpeg.{suffix}": JPEG for suffix in ("mov", "mkv", "avi")},
    **{f"hevc.{suffix}": HEVC for suffix in ("mp4", "mkv", "ts")},
    "windows.wmv": dataclasses.replace(WIDE, codec="wmv2"),
}


@pytest.mark.parametrize("name", WIDE_CLIPS)
def test_pixels_are_square(name: str, tmp_path: Path) -> None:
    recipe = dataclasses.replace(WIDE_CLIPS[name], n_frames=20)
    sizes, warnings = shapes_of(make_clip(tmp_path / name, recipe))
    assert sizes == 20 * [(192, 64)]
    assert warnings == [
        "pixels are not square (aspect ratio 2:1): frames of 96x64 px are shown as 192x64"
    ]


@pytest.mark.parametrize(
    ("ratio", "shown_wh"),
    [("1/2", (96, 128)), ("16/11", (140, 64)), ("10/11", (96, 70)), ("4320/4319", (96, 64))],
)
def test_any_shape_of_pixels(ratio: str, shown_wh: tuple[int, int], tmp_path: Path) -> None:
    recipe = dataclasses.replace(WIDE, pixel_ratio=Fraction(ratio))
    sizes, warnings = shapes_of(make_clip(tmp_path / "a.mp4", recipe))
    assert sizes == 3 * [shown_wh]
    assert len(warnings) == (shown_wh != (96, 64))


@pytest.mark.parametrize("ratio", [Fraction(2), Fraction(1, 2)])
@pytest.mark.parametrize("name", MATRICES)
def test_frames_are_turned_with_square_pixels(name: str, ratio: Fraction, tmp_path: Path) -> None:
    image = numbered_image(0b00010110)
    image[40:, :20] = (0, 0, 255)
    recipe = dataclasses.replace(WIDE, n_frames=2, pixel_ratio=ratio)
    path = make_clip(tmp_path / "a.mp4", recipe, images=[image, image])
    turn_display(path, MATRICES[name])
    with VideoSource(path) as source:
        shown = next(iter(source)).image
    across, down = (2, 1) if ratio > 1 else (1, 2)
    expected = displayed(image.repeat(down, axis=0).repeat(across, axis=1), MATRICES[name])
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 5
    assert f"shown as {shown.shape[1]}x{shown.shape[0]}" in source.warnings[0]


def set_shape(path: Path, width: int, height: int) -> Path:
    """Put another shape of pixels into an MP4 file, without changing what the codec says."""
    content = bytearray(path.read_bytes())
    place = content.index(b"pasp") + 4
    content[place : place + 8] = struct.pack(">2I", width, height)
    path.write_bytes(content)
    return path


def test_the_container_counts_where_it_differs_from_the_codec(tmp_path: Path) -> None:
    for width, height, shown_wh in [(3, 2, (144, 64)), (1, 1, (96, 64)), (1, 2, (96, 128))]:
        path = set_shape(make_clip(tmp_path / "a.mp4", WIDE), width, height)
        assert shapes_of(path)[0] == 3 * [shown_wh]


@pytest.mark.parametrize(("width", "height"), [(1000, 1), (1, 1000), (20, 1), (2**31 - 1, 1)])
def test_an_absurd_shape_is_told_and_ignored(width: int, height: int, tmp_path: Path) -> None:
    path = set_shape(make_clip(tmp_path / "a.mp4", WIDE), width, height)
    sizes, warnings = shapes_of(path)
    assert sizes == 3 * [(96, 64)]
    assert warnings == [
        f"the pixel aspect ratio {width}:{height} is implausible; pixels are treated as square"
    ]


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (0, 0)])
def test_what_is_no_shape_leaves_the_codec_to_say(width: int, height: int, tmp_path: Path) -> None:
    path = set_shape(make_clip(tmp_path / "a.mp4", WIDE), width, height)
    assert shapes_of(path)[0] == 3 * [(192, 64)]
    silent = dataclasses.replace(WIDE, pixel_ratio=None)
    assert shapes_of(make_clip(tmp_path / "b.mp4", silent)) == (3 * [(96, 64)], [])


@pytest.mark.parametrize("b_frames", [0, 3])
def test_pixels_that_change_their_shape_change_with_the_frame(
    b_frames: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.ts"
    ratios = [Fraction(2), None, Fraction(1, 2), Fraction(2)]
    parts = []
    for ratio in ratios:
        recipe = ClipRecipe(pixel_ratio=ratio, b_frames=b_frames)
        parts.append(make_clip(path, recipe).read_bytes())
    path.write_bytes(b"".join(parts))
    with VideoSource(path) as source:
        frames = list(source)
    expected = [size for size in ((192, 64), (96, 64), (96, 128), (192, 64)) for _ in range(30)]
    assert [frame.size_wh for frame in frames] == expected
    assert [read_number(frame.image) for frame in frames] == 4 * list(range(30))
    told = [warning for warning in source.warnings if "not square" in warning]
    assert [warning.split("aspect ratio ")[1].split(")")[0] for warning in told] == ["2:1", "1:2"]


def test_frames_are_freed_at_once_and_not_by_the_garbage_collector(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=40, b_frames=0))
    gc.collect()
    gc.disable()
    try:
        with VideoSource(path) as source:
            kept = [n_video_frames() for _ in source]
    finally:
        gc.enable()
    assert max(kept[5:]) <= min(kept[5:]) + 2


def n_video_frames() -> int:
    # Its type, not its class: some things make something up when asked for that.
    return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())
