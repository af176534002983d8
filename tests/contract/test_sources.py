"""What every source of frames must do, wherever its frames come from."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from emolens.core.frame import Frame
from emolens.core.ports import FrameSource
from emolens.media.image_source import ImageSource
from emolens.media.images import write_image
from emolens.media.network_source import NetworkSource
from emolens.media.paced_source import PacedSource
from emolens.media.push_source import PushSource
from emolens.media.video_source import VideoSource
from emolens.testing import Actor, SyntheticSource
from tests.camera_server import camera_server
from tests.clips import ClipRecipe, make_clip, numbered_image
from tests.odd_camera_server import odd_camera_server

pytestmark = pytest.mark.timeout(60)

N_FRAMES: Final = 12
OpenSource = Callable[[], FrameSource]


def open_video(folder: Path) -> FrameSource:
    return VideoSource(make_clip(folder / "a.mp4", ClipRecipe(n_frames=N_FRAMES, b_frames=3)))


def open_images(folder: Path) -> FrameSource:
    for number in range(N_FRAMES):
        write_image(folder / "shots" / f"{number}.png", numbered_image(number))
    return ImageSource(folder / "shots")


def open_paced(folder: Path) -> FrameSource:
    return PacedSource(open_video(folder))


def open_synthetic(_folder: Path) -> FrameSource:
    actor = Actor(numbered_image(9), lambda at_s: (48 + 20 * at_s, 32, 40))
    return SyntheticSource([actor], size_wh=(96, 64), rate_hz=25, duration_s=N_FRAMES / 25)


def open_pushed(_folder: Path) -> FrameSource:
    """A source that is fed from a thread, as slowly as it is read."""
    source = PushSource("pushed", capacity=N_FRAMES)
    for number in range(N_FRAMES):
        source.push(numbered_image(number), captured_at_s=number / 25)
    source.close()
    return source


OFFLINE: Final = {
    "video": open_video,
    "images": open_images,
    "paced": open_paced,
    "synthetic": open_synthetic,
}


@pytest.fixture(params=[*OFFLINE, "pushed", "network-jpeg", "network-ts", "snapshots"])
def open_source(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenSource]:
    name: str = request.param
    if name in OFFLINE:
        yield lambda: OFFLINE[name](tmp_path)
        return
    if name == "pushed":
        yield lambda: open_pushed(tmp_path)
        return
    if name == "snapshots":
        monkeypatch.setattr("emolens.media.snapshots.INTERVAL_S", 0.01)
        with odd_camera_server() as odd_camera:
            yield lambda: NetworkSource(odd_camera.of("/snapshot/length"))
        return
    with camera_server(tmp_path) as camera:
        yield lambda: NetworkSource(camera.of(f"/{name.removeprefix('network-')}"))


def first_frames(open_source: OpenSource) -> list[Frame]:
    with open_source() as source:
        return list(itertools.islice(source, N_FRAMES))


def test_frames_are_numbered_from_zero(open_source: OpenSource) -> None:
    frames = first_frames(open_source)
    assert [frame.index for frame in frames] == list(range(N_FRAMES))


def test_time_goes_on_from_frame_to_frame(open_source: OpenSource) -> None:
    frames = first_frames(open_source)
    media_s = [frame.media_time_s for frame in frames]
    captured_s = [frame.captured_at_s for frame in frames]
    assert media_s[0] == 0
    assert (np.diff(media_s) > 0).all()
    assert (np.diff(captured_s) >= 0).all()


def test_images_are_there_to_stay_and_cannot_be_written_to(open_source: OpenSource) -> None:
    with open_source() as source:
        frames = iter(source)
        first = next(frames)
        before = first.image.copy()
        kept = [first, *itertools.islice(frames, 3)]
    assert all(frame.size_wh == (96, 64) for frame in kept)
    assert not any(frame.image.flags.writeable for frame in kept)
    np.testing.assert_array_equal(first.image, before)
    assert all(not np.array_equal(first.image, frame.image) for frame in kept[1:])


def test_all_frames_name_their_source(open_source: OpenSource) -> None:
    names = {frame.source_id for frame in first_frames(open_source)}
    assert len(names) == 1
    assert names != {""}


def test_it_can_be_closed_before_its_end_twice_and_unread(open_source: OpenSource) -> None:
    with open_source() as source:
        next(iter(source))
    source.__exit__(None, None, None)
    with open_source():
        pass


def test_what_happens_inside_the_block_is_raised(open_source: OpenSource) -> None:
    with pytest.raises(ZeroDivisionError), open_source() as source:
        next(iter(source))
        raise ZeroDivisionError


@pytest.mark.parametrize("name", OFFLINE)
def test_a_recorded_source_gives_the_same_every_time(name: str, tmp_path: Path) -> None:
    def all_frames() -> list[Frame]:
        with OFFLINE[name](tmp_path) as source:
            return list(source)

    one, two = all_frames(), all_frames()
    assert len(one) == N_FRAMES
    for a, b in zip(one, two, strict=True):
        assert (a.index, a.media_time_s, a.source_id) == (b.index, b.media_time_s, b.source_id)
        np.testing.assert_array_equal(a.image, b.image)


def test_a_source_reports_of_itself(open_source: OpenSource) -> None:
    with open_source() as source:
        assert isinstance(source, FrameSource)
        list(itertools.islice(source, N_FRAMES))
        report = source.report
    assert report.n_expected in {None, N_FRAMES}
    assert report.n_dropped == 0
    assert set(report.failures) <= set(report.warnings)


def test_it_can_be_interrupted_at_any_time_also_after_its_end(open_source: OpenSource) -> None:
    with open_source() as source:
        next(iter(source))
        source.interrupt()
    source.interrupt()
