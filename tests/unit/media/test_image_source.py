from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emolens.core.errors import ConfigError, SourceError
from emolens.media.clip import Clip
from emolens.media.image_source import ImageSource
from emolens.media.images import write_image
from tests.clips import numbered_image, read_number


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        write_image(tmp_path / "shots" / f"shot {number}.png", numbered_image(number))
    (tmp_path / "shots" / "warnings.txt").touch()
    return tmp_path / "shots"


def test_images_come_in_the_order_of_their_numbers(folder: Path) -> None:
    with ImageSource(folder, rate_hz=10, clock=lambda: 7.0) as source:
        frames = list(source)
        assert source.n_expected == 12
    assert [read_number(frame.image) for frame in frames] == list(range(12))
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.media_time_s for frame in frames], np.arange(12) / 10)
    assert {frame.captured_at_s for frame in frames} == {7.0}
    assert {frame.source_id for frame in frames} == {str(folder)}


def test_numbers_and_letters_sort_together(tmp_path: Path) -> None:
    names = ["1.png", "1a.png", "2.png", "10.png", "a.png", "a2.png", "a10.png", "b/1.png"]
    for number, name in enumerate(names):
        write_image(tmp_path / name, numbered_image(number))
    with ImageSource(tmp_path) as source:
        assert [read_number(frame.image) for frame in source] == list(range(len(names)))


@pytest.mark.parametrize(
    "clip", [Clip(0.3), Clip(0.3, 0.7), Clip(every=5), Clip(0.25, 1.0, 3), Clip(9.0)]
)
def test_a_part_has_the_images_numbers_and_times_of_the_whole(folder: Path, clip: Clip) -> None:
    with ImageSource(folder, rate_hz=10) as whole:
        wanted = [
            (frame.index, frame.media_time_s)
            for frame in whole
            if not clip.is_before(frame.media_time_s)
            and not clip.is_behind(frame.media_time_s)
            and frame.index % clip.every == 0
        ]
    with ImageSource(folder, rate_hz=10, clip=clip) as source:
        assert [(frame.index, frame.media_time_s) for frame in source] == wanted
        assert source.n_expected == len(wanted)


def test_an_image_that_cannot_be_read_leaves_a_gap_and_a_warning(folder: Path) -> None:
    (folder / "shot 3.png").write_bytes(b"no image")
    (folder / "shot 5.png").write_bytes(b"")
    with ImageSource(folder) as source:
        assert [frame.index for frame in source] == [0, 1, 2, 4, *range(6, 12)]
    assert len(source.failures) == 2
    for failure, name in zip(source.failures, ("shot 3.png", "shot 5.png"), strict=True):
        assert name in failure
    assert source.warnings == ["left out 1 other file: 1 .txt", *source.failures]


def test_files_of_other_kinds_are_failures_without_a_number(folder: Path) -> None:
    (folder / "shot 0.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0")
    (folder / "shot 2.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
    # The first bytes say what it is.
    (folder / "shot 11.png").rename(folder / "shot 11.psd")
    with ImageSource(folder) as source:
        assert [frame.index for frame in source] == list(range(12))
    assert len(source.failures) == 2
    assert "shot 0.CR2" in source.failures[0]
    assert "Use `emolens video`" in source.failures[1]


def test_a_folder_of_other_kinds_gives_no_frame(tmp_path: Path) -> None:
    (tmp_path / "a.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0")
    with ImageSource(tmp_path) as source:
        assert list(source) == []
    assert "Export it as JPEG or TIFF" in source.failures[0]


def test_images_may_differ_in_size(folder: Path) -> None:
    write_image(folder / "shot 1.png", numbered_image(1, (32, 16)))
    with ImageSource(folder) as source:
        assert [frame.size_wh for frame in source][:3] == [(96, 64), (32, 16), (96, 64)]


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "warnings.txt").touch()
    with pytest.raises(SourceError, match="is a folder without images"):
        ImageSource(tmp_path)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_positive(folder: Path, rate_hz: float) -> None:
    with pytest.raises(ConfigError, match=r"rate_hz .--rate. is .*; allowed: above 0 Hz"):
        ImageSource(folder, rate_hz=rate_hz)


def write_gif(path: Path, n_frames: int) -> None:
    frames = [Image.fromarray(np.full((8, 8), 20 * number, np.uint8)) for number in range(n_frames)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def test_animations_are_no_frames_of_one_film(folder: Path) -> None:
    write_gif(folder / "still.gif", 1)
    with ImageSource(folder) as source:
        assert source.n_expected == 13
    (folder / "clips").mkdir()
    write_gif(folder / "clips/0.gif", 2)
    with pytest.raises(SourceError, match="has 1 animation: 'clips/0.gif'"):
        ImageSource(folder)
    for number in range(5):
        write_gif(folder / "clips" / f"{number}.gif", 2)
    with pytest.raises(SourceError) as caught:
        ImageSource(folder)
    message = str(caught.value)
    assert "has 5 animations: 'clips/0.gif', 'clips/1.gif', 'clips/2.gif' and 2 more" in message
    assert f"such as {str(folder / 'clips/0.gif')!r}" in message


def test_a_folder_of_videos_says_what_to_do(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mov"):
        (tmp_path / name).write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    with pytest.raises(SourceError, match="has 2 videos: 'a.mp4', 'b.mov'.*Analyse each one"):
        ImageSource(tmp_path)


def test_a_video_beside_images_is_reported(folder: Path) -> None:
    (folder / "film.mp4").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    with ImageSource(folder) as source:
        assert source.n_expected == 12
        (failure,) = source.failures
    assert "film.mp4" in failure
    assert "Use `emolens video`" in failure
