import gc
from pathlib import Path

import numpy as np
import pytest

from emolens.media.pyav import av
from emolens.media.upright import Upright
from emolens.media.video_source import VideoSource
from tests.clips import MATRICES, ClipRecipe, displayed, make_clip, numbered_picture, turn_display


@pytest.mark.parametrize("name", MATRICES)
def test_a_picture_is_turned_and_mirrored_as_its_file_says(name: str, tmp_path: Path) -> None:
    picture = numbered_picture(0b00010110)
    picture[40:, :20] = (0, 0, 255)
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=2), pictures=[picture, picture])
    turn_display(path, MATRICES[name])
    with VideoSource(path) as source:
        shown = next(iter(source)).image
    expected = displayed(picture, MATRICES[name])
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 5
    assert shown.flags.c_contiguous


def test_a_phone_held_upright_stores_its_picture_turned_by_a_quarter() -> None:
    """What is at the left of the stored picture is at the top of the one that is shown."""
    stored = np.zeros((4, 6, 3), np.uint8)
    stored[:, 0] = 255
    shown = displayed(stored, MATRICES["90 clockwise"])
    assert shown.shape == (6, 4, 3)
    assert shown[0].min() == 255
    np.testing.assert_array_equal(shown, np.rot90(stored, -1))


def test_without_a_matrix_a_picture_stays_as_it_is() -> None:
    picture = numbered_picture(5)
    frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
    np.testing.assert_array_equal(Upright().to_bgr(frame), picture)


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
