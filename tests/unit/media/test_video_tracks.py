import dataclasses
from pathlib import Path

import pytest
from av.stream import Disposition

from emolens.core.errors import ConfigError, SourceError
from emolens.imaging.pyav import av
from emolens.media.video_source import VideoSource
from emolens.media.video_tracks import VideoTrack, choose_track, video_tracks
from tests.clips import ClipRecipe, make_clip, make_tracks, numbered_image, read_number

TINY = ClipRecipe(size_wh=(64, 64))
LARGE = ClipRecipe(size_wh=(192, 128), b_frames=2)
# Encoder of sound that goes into each container.
CONTAINERS = {".mkv": "aac", ".mp4": "aac", ".mov": "aac", ".ts": "mp2", ".avi": "mp2"}


def read(path: Path, number: int | None = None) -> tuple[tuple[int, int], list[int], list[str]]:
    """Size of the frames, their numbers, and the warnings."""
    with VideoSource(path, video_track=number) as source:
        frames = list(source)
        (size_wh,) = {frame.size_wh for frame in frames}
        assert source.failures == []
        return size_wh, [read_number(frame.image) for frame in frames], source.warnings


@pytest.mark.parametrize("sound", [False, True], ids=["silent", "sound first"])
@pytest.mark.parametrize("default", [None, 0, 1])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_the_largest_video_is_read_and_told(
    suffix: str, default: int | None, sound: bool, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    make_tracks(path, [TINY, LARGE], default=default, sound=CONTAINERS[suffix] if sound else "")
    size_wh, numbers, (warning,) = read(path)
    assert (size_wh, numbers) == ((192, 128), list(range(30)))
    assert warning.startswith("using video track 2 of 2; available: 1 (64x64 px, h264, ")
    assert warning.endswith(". Choose another with video_track (--video-track).")


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_another_one_can_be_chosen(suffix: str, tmp_path: Path) -> None:
    path = make_tracks(tmp_path / f"a{suffix}", [TINY, LARGE, TINY])
    for number, size_wh in ((1, (64, 64)), (2, (192, 128)), (3, (64, 64))):
        assert read(path, number) == (size_wh, list(range(30)), [])


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_number_that_is_none_is_an_error_with_the_tracks(number: int, tmp_path: Path) -> None:
    path = make_tracks(tmp_path / "a.mkv", [TINY, dataclasses.replace(LARGE, codec="mpeg4")])
    with pytest.raises(ConfigError) as raised:
        VideoSource(path, video_track=number)
    assert str(raised.value) == (
        f"{path} has no video track {number}; "
        "available: 1 (64x64 px, h264, 1.2 s), 2 (192x128 px, mpeg4, 1.2 s)"
    )


def test_one_that_the_file_calls_its_default_goes_before_one_as_large(tmp_path: Path) -> None:
    other = dataclasses.replace(LARGE, size_wh=(160, 128))
    for default in (0, 1):
        path = make_tracks(tmp_path / "a.mp4", [LARGE, other], default=default)
        assert read(path)[0] == ((192, 128), (160, 128))[default]
    assert read(make_tracks(tmp_path / "b.mkv", [LARGE, LARGE]))[2][0].startswith(
        "using video track 1 of 2; available: "
    )


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_large_image_is_no_video(suffix: str, tmp_path: Path) -> None:
    large = dataclasses.replace(LARGE, size_wh=(640, 480), n_frames=1)
    assert read(make_tracks(tmp_path / f"a{suffix}", [large, TINY]))[0] == (64, 64)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_one_video_needs_no_warning(suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"a{suffix}", dataclasses.replace(LARGE, sound=CONTAINERS[suffix]))
    assert read(path) == ((192, 128), list(range(30)), [])
    assert read(path, 1) == ((192, 128), list(range(30)), [])


def test_a_cover_has_no_number(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        cover = output.add_stream("mjpeg", width=640, height=480, pix_fmt="yuvj420p")
        cover.disposition = Disposition.attached_pic
        video = output.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p")
        image = av.VideoFrame.from_ndarray(numbered_image(0, (640, 480)), format="bgr24")
        output.mux(cover.encode(image))
        output.mux(cover.encode())
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(numbered_image(number, (64, 64)), format="bgr24")
            output.mux(video.encode(frame))
        output.mux(video.encode())
    assert read(path) == ((64, 64), list(range(20)), [])
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 2
        assert [track.number for track in video_tracks(container)] == [1]
    with pytest.raises(ConfigError, match="no video track 2"):
        VideoSource(path, video_track=2)


def track(number: int, **facts: object) -> VideoTrack:
    with av.open("/dev/null", "w", format="null") as output:
        stream = output.add_stream("mpeg4")
        assert isinstance(stream, av.VideoStream)
    known = VideoTrack(
        number=number,
        stream=stream,
        size_wh=(640, 480),
        codec="h264",
        duration_s=10.0,
        n_frames=None,
        is_default=False,
        is_still=False,
    )
    return dataclasses.replace(known, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tracks", "number"),
    [
        ([{"size_wh": (4000, 3000), "codec": None}, {}], 2),
        ([{"size_wh": (0, 0)}, {"size_wh": (64, 64)}], 2),
        ([{"size_wh": (4000, 3000), "is_still": True}, {}], 2),
        ([{"size_wh": (1280, 720), "duration_s": 0.5}, {}], 2),
        ([{"size_wh": (1280, 720), "n_frames": None}, {"n_frames": 250}], 2),
        ([{"duration_s": None}, {"size_wh": (320, 240)}], 1),
        ([{"duration_s": None}, {"duration_s": None, "size_wh": (1280, 720)}], 2),
        ([{"is_default": True, "size_wh": (64, 64)}, {}], 2),
        ([{}, {"is_default": True, "size_wh": (640, 360)}], 2),
        ([{"is_still": True}], 1),
        ([{}, {}], 1),
    ],
)
def test_what_shows_most_is_taken(tracks: list[dict[str, object]], number: int) -> None:
    known = [track(place, **facts) for place, facts in enumerate(tracks, start=1)]
    assert choose_track(known, Path("a.mkv")).number == number


def test_what_cannot_be_decoded_is_an_error() -> None:
    for number in (None, 1):
        with pytest.raises(SourceError, match="no decoder"):
            choose_track([track(1, codec=None)], Path("a.mkv"), number)
