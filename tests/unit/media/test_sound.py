from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from emolens.core.frame import Frame, FrameResult
from emolens.imaging.pyav import av
from emolens.media.clip import Clip
from emolens.media.recording_sink import RecordingSink
from emolens.media.sound import Sound
from emolens.media.video_file import open_file
from emolens.media.video_source import VideoSource
from emolens.storage.names import RECORDING_SUFFIXES
from tests.clips import ClipRecipe, make_clip, numbered_image, read_number, sound_packets

pytestmark = pytest.mark.slow

RESULT = FrameResult((96, 64), ())


@pytest.fixture(params=RECORDING_SUFFIXES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    suffix: str = request.param
    return tmp_path / f"copy{suffix}"


def seen(path: Path) -> list[tuple[int, float]]:
    """Numbers and times of all frames."""
    with VideoSource(path) as source:
        return [(read_number(frame.image), frame.media_time_s) for frame in source]


class Tracks(NamedTuple):
    """A container and encoders that go into it."""

    name: str
    video: str
    sound: str


TRACKS = [
    *(Tracks("s.mp4", "libx264", "aac"), Tracks("s.mkv", "libx264", "libopus")),
    *(Tracks("s.avi", "mpeg4", "libmp3lame"), Tracks("p.mkv", "libx264", "pcm_s16le")),
    *(Tracks("f.mkv", "libx264", "flac"), Tracks("m.mp4", "libx264", "libmp3lame")),
    *(Tracks("s.ts", "libx264", "mp2"), Tracks("a.ts", "libx264", "ac3")),
]


def with_sound(folder: Path, tracks: Tracks) -> Path:
    return make_clip(
        folder / tracks.name, ClipRecipe(codec=tracks.video, sound=tracks.sound, n_frames=50)
    )


def copy(source: Path, target: Path, clip: Clip | None = None) -> list[str]:
    with (
        VideoSource(source, clip=clip) as frames,
        RecordingSink(target, sound_from=source) as recording,
    ):
        for frame in frames:
            recording.write(frame, RESULT)
    return recording.warnings


def sound_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [float(p.pts * p.time_base) for p in packets if p.pts is not None]


@pytest.mark.parametrize("tracks", TRACKS, ids=lambda t: f"{t.name}-{t.sound}")
def test_sound_is_copied_as_it_is_and_frames_keep_their_times(
    tracks: Tracks, target: Path, tmp_path: Path
) -> None:
    source = with_sound(tmp_path, tracks)
    assert copy(source, target) == []
    assert sound_packets(target) == sound_packets(source)
    np.testing.assert_allclose(sound_times(target), sound_times(source), rtol=0, atol=0.0011)
    expected, found = seen(source), seen(target)
    assert [number for number, _ in found] == [number for number, _ in expected]
    np.testing.assert_allclose([t for _, t in found], [t for _, t in expected], atol=0.001)


def test_sound_of_a_transport_stream_loses_only_its_headers(target: Path, tmp_path: Path) -> None:
    source = with_sound(tmp_path, Tracks("a.ts", "libx264", "aac"))
    assert copy(source, target) == []
    assert sound_packets(target) == [packet[7:] for packet in sound_packets(source)]
    with av.open(str(target)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 48_000


def test_a_part_has_the_sound_of_that_part(target: Path, tmp_path: Path) -> None:
    source = with_sound(tmp_path, TRACKS[0])
    copy(source, target, Clip(0.5, 1.2))
    times_s = sound_times(target)
    assert 0.52 - 0.001 <= times_s[0] <= 0.55
    assert 1.17 <= times_s[-1] <= 1.2 + 0.001
    assert seen(target)[0][1] == pytest.approx(0.52, abs=0.001)


def test_frames_do_not_need_sound(target: Path, tmp_path: Path) -> None:
    silent = make_clip(tmp_path / "silent.mkv")
    for sound_from in (silent, tmp_path / "missing.mkv"):
        with RecordingSink(target, sound_from=sound_from) as recording:
            recording.write(Frame(numbered_image(0)), RESULT)
        assert recording.warnings == [
            f"cannot copy the sound of {sound_from}; the recording is silent"
        ]
        assert len(seen(target)) == 1


@pytest.mark.parametrize("start_s", [None, 3.5], ids=["whole", "part"])
def test_sound_of_a_joined_file_stays_with_its_frames(
    start_s: float | None, target: Path, tmp_path: Path
) -> None:
    source = with_sound(tmp_path, Tracks("a.ts", "libx264", "mp2"))
    packets, times_s = sound_packets(source), sound_times(source)
    source.write_bytes(2 * source.read_bytes())
    assert copy(source, target, Clip(start_s)) == []
    frames_s = [at_s for _, at_s in seen(source)]
    offset_s = frames_s[50] - frames_s[0]
    expected_s = np.concatenate([times_s, np.array(times_s) + offset_s])
    began_s = min(expected_s) if start_s is None else min(t for t in frames_s if t >= start_s)
    is_kept = expected_s >= began_s
    found_s = sound_times(target)
    np.testing.assert_allclose(found_s, expected_s[is_kept], atol=0.0011)
    kept = [packet for packet, keep in zip(2 * packets, is_kept, strict=True) if keep]
    assert sound_packets(target) == kept
    assert len(seen(target)) == sum(t >= (start_s or 0) for t in frames_s)


def test_a_stamp_of_sound_that_goes_back_alone_stops_nothing(tmp_path: Path) -> None:
    source = with_sound(tmp_path, Tracks("s.mkv", "libx264", "pcm_s16le"))
    target = tmp_path / "copy.mkv"
    with open_file(source) as container, av.open(str(target), "w") as output:
        sound = Sound(container, output, container.streams.audio[0], -np.inf)
        packets = [packet for packet in sound._packets if packet.pts is not None]
        for odd in packets[20:22]:
            assert odd.pts is not None
            odd.pts = odd.dts = odd.pts - 400
        sound._packets = iter(packets)
        for i in range(300):
            sound.copy_until(i / 25, [0.0])
    found_s = sound_times(target)
    assert len(found_s) == len(packets) - 2
    assert (np.diff(found_s) > 0).all()
    assert found_s[-1] > 1.9
