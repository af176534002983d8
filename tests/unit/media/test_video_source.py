import dataclasses
import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emolens.core.errors import EmolensError, SourceError
from emolens.imaging.pyav import av
from emolens.media.clip import Clip
from emolens.media.timeline import Timeline
from emolens.media.video_source import VideoSource
from tests.clips import (
    MATRICES,
    ClipRecipe,
    make_clip,
    numbered_image,
    packet_times,
    read_number,
    turn_display,
)
from tests.unit.media.watching import H264, watch

pytestmark = pytest.mark.slow

OPEN_GOP = dataclasses.replace(H264, encoder={"x264-params": "open-gop=1"})
VFR = dataclasses.replace(
    H264, ticks=[33 * i + i * i % 17 for i in range(30)], time_base=Fraction(1, 1000)
)
VP9 = ClipRecipe(codec="libvpx-vp9", encoder={"deadline": "realtime", "cpu-used": "8"})
HEVC = ClipRecipe(
    codec="libx265",
    encoder={"x265-params": "log-level=none:open-gop=1:bframes=3", "preset": "ultrafast"},
)
# Containers and codecs, and ways in which frames refer to each other.
CLIPS = {
    "plain.mp4": ClipRecipe(),
    "b-frames.mp4": H264,
    "b-frames.mov": H264,
    "b-frames.mkv": H264,
    "b-frames.ts": H264,
    "b-frames.avi": H264,
    "b-frames.flv": H264,
    "b-frames.h264": H264,
    "open.mp4": OPEN_GOP,
    "open.mkv": OPEN_GOP,
    "open.ts": OPEN_GOP,
    "uneven.mkv": VFR,
    "uneven.mp4": VFR,
    "late.mkv": dataclasses.replace(H264, ticks=range(250, 280)),
    "late.mp4": dataclasses.replace(H264, ticks=range(250, 280)),
    "vp8.webm": dataclasses.replace(VP9, codec="libvpx"),
    "vp9.webm": VP9,
    "hevc.mp4": HEVC,
    "hevc.mkv": HEVC,
    "mpeg4.avi": ClipRecipe(codec="mpeg4"),
    "mpeg4-b.avi": ClipRecipe(codec="mpeg4", b_frames=2),
    "mpeg4-gaps.avi": ClipRecipe(codec="mpeg4", ticks=[i + i // 3 for i in range(30)]),
    "mpeg2.mpg": ClipRecipe(codec="mpeg2video", b_frames=2),
    "mpeg2.ts": ClipRecipe(codec="mpeg2video", b_frames=2),
    "jpeg.avi": ClipRecipe(codec="mjpeg", pix_fmt="yuvj420p"),
    "jpeg.mjpeg": ClipRecipe(codec="mjpeg", pix_fmt="yuvj420p"),
    "windows.wmv": ClipRecipe(codec="wmv2"),
    "animation.gif": ClipRecipe(codec="gif", pix_fmt="rgb8"),
    "fragments.mp4": dataclasses.replace(
        H264, muxer={"movflags": "+frag_keyframe+empty_moov+delay_moov"}
    ),
    "sound.mp4": dataclasses.replace(H264, sound="aac"),
    "sound.ts": dataclasses.replace(H264, sound="aac"),
    "odd.mkv": ClipRecipe(codec="ffv1", pix_fmt="yuv444p", size_wh=(97, 63)),
}
# Raw streams have no time stamps; FFmpeg gives none to their packets.
WITHOUT_TIMES = ("b-frames.h264",)


@pytest.fixture(scope="module", params=CLIPS)
def clip_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    return make_clip(tmp_path_factory.mktemp("clips") / name, CLIPS[name])


def test_every_frame_comes_once_in_order(clip_path: Path) -> None:
    seen, warnings = watch(clip_path)
    assert [s.index for s in seen] == list(range(30))
    assert [s.number for s in seen] == list(range(30))
    assert warnings == []


def test_times_are_those_of_the_container(clip_path: Path) -> None:
    times_s = [s.at_s for s in watch(clip_path)[0]]
    assert (np.diff(times_s) > 0).all()
    if clip_path.name not in WITHOUT_TIMES:
        np.testing.assert_allclose(times_s, packet_times(clip_path), rtol=0, atol=0.001)


def test_a_part_has_the_frames_numbers_and_times_that_it_has_in_the_whole(clip_path: Path) -> None:
    whole, _ = watch(clip_path)
    began_s = whole[0].at_s
    just = 1e-4
    for start_s, end_s, every in [
        *((whole[i].at_s + shift, None, 1) for i in (1, 11, 12, 13, 29) for shift in (-just, just)),
        *((whole[12].at_s, None, 1), (whole[24].at_s, None, 1), (began_s + 9, None, 1)),
        *((began_s + 0.3, began_s + 0.7, 1), (began_s + 0.9, began_s + 0.95, 1)),
        *((began_s + 0.5, began_s + 1.0, 2), (began_s + 0.1, None, 7), (None, began_s + 0.5, 3)),
    ]:
        clip = Clip(start_s, end_s, every)
        wanted = [
            s
            for s in whole
            if not clip.is_before(s.at_s) and not clip.is_behind(s.at_s) and s.index % every == 0
        ]
        assert watch(clip_path, clip) == (wanted, [])


def test_a_part_is_not_decoded_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "a.mkv", dataclasses.replace(H264, n_frames=100))
    decoded: list[Timeline] = []
    original = Timeline.place

    def count(timeline: Timeline, stamp_s: float | None) -> float:
        decoded.append(timeline)
        return original(timeline, stamp_s)

    monkeypatch.setattr(Timeline, "place", count)
    assert len(watch(path, Clip(3.0, 3.5))[0]) == 13
    assert len(decoded) <= 13 + CLIPS["plain.mp4"].key_every + 1


@pytest.mark.parametrize("n_frames", [1, 2])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_very_short_clips(n_frames: int, suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"a{suffix}", ClipRecipe(n_frames=n_frames))
    seen, warnings = watch(path)
    assert [s.number for s in seen] == list(range(n_frames))
    assert warnings == []
    assert watch(path, Clip(5.0)) == ([], [])


def test_an_image_of_8k(tmp_path: Path) -> None:
    size_wh = (7680, 4320)
    recipe = ClipRecipe(size_wh=size_wh, n_frames=1, encoder={"preset": "ultrafast"})
    path = make_clip(tmp_path / "a.mp4", recipe, images=[numbered_image(90, size_wh)])
    with VideoSource(path) as source:
        frame = next(iter(source))
    assert frame.size_wh == size_wh
    assert read_number(frame.image) == 90


@pytest.mark.parametrize("turn", ["90 clockwise", "180", "90 anticlockwise"])
def test_a_turned_clip_has_its_frames_and_times(turn: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", VFR)
    expected_s = packet_times(path)
    turn_display(path, MATRICES[turn])
    with VideoSource(path) as source:
        frames = list(source)
    assert {f.size_wh for f in frames} == {(64, 96) if "90" in turn else (96, 64)}
    np.testing.assert_allclose([f.media_time_s for f in frames], expected_s, atol=0.001)


def test_frames_that_an_edit_list_cuts_away_are_not_missed(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(ticks=range(-5, 25)))
    seen, warnings = watch(path)
    assert [s.number for s in seen] == list(range(5, 30))
    assert warnings == []
    assert watch(path, Clip(0.6)) == (seen[15:], [])


def test_a_stream_that_begins_between_two_key_frames(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.ts", dataclasses.replace(H264, n_frames=60))
    path.write_bytes(path.read_bytes()[188 * 20 :])
    seen, _ = watch(path)
    assert [s.number for s in seen] == list(range(12, 60))
    assert watch(path, Clip(1.5))[0] == [s for s in seen if s.at_s >= 1.5]


SHARES = (0.01, 0.2, 0.5, 0.8, 0.99)
LONG = {
    "a.mkv": dataclasses.replace(H264, n_frames=100, sound="aac"),
    "a.webm": dataclasses.replace(VP9, n_frames=100),
    "a.avi": ClipRecipe(codec="mpeg4", n_frames=100),
    "a.ts": dataclasses.replace(H264, n_frames=100),
    "a.mpg": ClipRecipe(codec="mpeg2video", n_frames=100),
    "a.flv": ClipRecipe(n_frames=100),
    "beginning.mp4": dataclasses.replace(H264, n_frames=100, muxer={"movflags": "+faststart"}),
    "end.mp4": dataclasses.replace(H264, n_frames=100, sound="aac"),
    "pieces.mp4": ClipRecipe(n_frames=100, muxer={"movflags": "+frag_keyframe+empty_moov"}),
}


@pytest.fixture(scope="module", params=LONG)
def long_clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name: str = request.param
    return make_clip(tmp_path_factory.mktemp("long") / name, LONG[name])


def cut(path: Path, share: float, folder: Path) -> Path:
    content = path.read_bytes()
    n_bytes = int(len(content) * share)
    # One packet more or less: somewhere inside a packet.
    n_bytes += 1 if n_bytes % 188 == 0 or n_bytes % 192 == 0 or n_bytes % 204 == 0 else 0
    (folder / path.name).write_bytes(content[:n_bytes])
    return folder / path.name


@pytest.mark.timeout(60)
@pytest.mark.parametrize("share", SHARES)
def test_a_file_that_is_cut_off_gives_what_is_there_and_says_so(
    long_clip: Path, share: float, tmp_path: Path
) -> None:
    path = cut(long_clip, share, tmp_path)
    if long_clip.name == "end.mp4":
        with pytest.raises(SourceError, match="may be truncated"):
            watch(path)
        return
    try:
        seen, warnings = watch(path)
    except SourceError:
        assert share <= 0.5
        return
    numbers = [s.number for s in seen]
    # What was cut in two is shown as far as it goes; the last ones may be damaged by that.
    n_whole = max(0, len(numbers) - 3)
    assert numbers[:n_whole] == list(range(n_whole))
    assert len(numbers) >= 100 * (share - 0.45)
    if len(numbers) < 98:
        assert any("truncated" in warning or "damaged" in warning for warning in warnings)
    for clip in (Clip(1.0, 2.0), Clip(3.5), Clip(0.5, every=5)):
        part, _ = watch(path, clip)
        ours = [s for s in part if s.index < n_whole]
        assert ours == [
            s
            for s in seen[:n_whole]
            if not clip.is_before(s.at_s)
            and not clip.is_behind(s.at_s)
            and s.index % clip.every == 0
        ]


@pytest.mark.parametrize("name", ["a.mkv", "beginning.mp4", "a.ts", "a.avi", "pieces.mp4"])
def test_a_warning_tells_how_much_is_missing(name: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / name, LONG[name])
    (tmp_path / "cut").mkdir()
    _, warnings = watch(cut(path, 0.8, tmp_path / "cut"))
    assert len(warnings) == 1
    assert warnings[0].startswith("the file ")
    assert warnings[0].endswith("may be truncated")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", range(3))
def test_bytes_that_are_wrong_in_the_middle_stop_nothing(
    long_clip: Path, seed: int, tmp_path: Path
) -> None:
    content = bytearray(long_clip.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(len(content) // 3, 2 * len(content) // 3, 60):
        content[place] = rng.integers(256)
    path = tmp_path / long_clip.name
    path.write_bytes(content)
    for clip in (None, Clip(1.0, every=2)):
        try:
            seen, _ = watch(path, clip)
        except EmolensError:
            continue
        assert all(a.index < b.index for a, b in itertools.pairwise(seen))


@pytest.mark.timeout(60)
def test_damaged_packets_are_counted_and_the_rest_comes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(codec="mjpeg", pix_fmt="yuvj420p"))
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.pos is not None]
    content = bytearray(path.read_bytes())
    for place, size in packets[10:13]:
        content[place : place + size] = bytes(size)
    path.write_bytes(content)
    with VideoSource(path) as source:
        numbers = [read_number(frame.image) for frame in source]
        assert source.n_damaged == 3
    assert numbers == [*range(10), *range(13, 30)]
    assert source.warnings == [
        "skipped 3 damaged frames or packets",
        "the file contains 27 of 30 frames and may be truncated",
    ]


def test_how_many_frames_are_expected(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=50))
    late = make_clip(tmp_path / "b.mkv", ClipRecipe(n_frames=50, ticks=range(250, 300)))
    for clip, n_expected in [(None, 50), (Clip(every=5), 10), (Clip(1.0), 25), (Clip(9.0), 1)]:
        with VideoSource(path, clip=clip) as source:
            assert source.n_expected == n_expected
    for clip, n_expected in [(None, 50), (Clip(11.0), 25), (Clip(1.0, 10.2), 5)]:
        with VideoSource(late, clip=clip) as source:
            assert source.n_expected == n_expected
    with VideoSource(make_clip(tmp_path / "a.h264")) as source:
        assert source.n_expected is None


def test_what_a_frame_says_about_itself(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", ClipRecipe(n_frames=2))
    with VideoSource(path, clock=iter([5.0, 6.0]).__next__) as source:
        frames = list(source)
        assert source.path == path
    assert [f.captured_at_s for f in frames] == [5.0, 6.0]
    assert {f.source_id for f in frames} == {str(path)}
    assert not frames[0].image.flags.writeable


def test_a_file_is_closed_when_it_cannot_be_used(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4")
    n_open = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        with VideoSource(path, clip=Clip(0.5)) as source:
            next(iter(source))
        source.close()
    if n_open:
        assert len(list(Path("/proc/self/fd").iterdir())) == n_open
