import io
import threading
import time
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

import emolens
from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, InputError, SourceError
from emolens.core.frame import Frame, FrameResult
from emolens.core.ports import FrameSource
from emolens.media.open_source import SourcePlan
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.pipeline.streaming import Stream
from emolens.testing import (
    Actor,
    FakeClassifier,
    MarkDetector,
    SyntheticSource,
    crowd_clip,
    marked_image,
)
from tests.clips import ClipRecipe, make_clip, make_tracks
from tests.unit.pipeline.sources import Gate, ScriptedSource, counted, fresh_frame

pytestmark = pytest.mark.timeout(60)

# Quick, and enough for a face that fills a third of a small image.
QUICK = StreamSettings(detect_hz=5, classify_hz=5, detector_px=160)


def marked_source(duration_s: float = 1.0, **options: object) -> SyntheticSource:
    actor = Actor(marked_image(0, brightness=128), lambda at_s: (80 + 10 * at_s, 60, 50))
    return SyntheticSource(
        [actor],
        size_wh=(160, 120),
        duration_s=duration_s,
        **options,  # type: ignore[arg-type]  # a test's own
    )


def quick_stream(source: FrameSource, *, is_live: bool = False, is_endless: bool = False) -> Stream:
    plan = SourcePlan("test", lambda: source, is_endless=is_endless, path=None)
    return Stream(plan, StreamAnalyzer(MarkDetector(), FakeClassifier()), is_live=is_live)


def portrait_clip(path: Path) -> Path:
    source = crowd_clip(1, size_wh=(160, 120), rate_hz=25, duration_s=0.8)
    return make_clip(
        path,
        ClipRecipe(size_wh=(160, 120), n_frames=20),
        images=[frame.image for frame in source],
    )


def test_inside_the_loop_a_result_has_its_frame_and_afterwards_says_so() -> None:
    results: list[FrameResult] = []
    for result in quick_stream(marked_source()):
        assert result.frame.index == result.frame_index
        assert result.frame.size_wh == result.size_wh
        results.append(result)
        if len(results) > 1:
            with pytest.raises(InputError, match=r"no longer in memory.*store `result.frame`"):
                _ = results[-2].frame
    with pytest.raises(InputError, match=f"frame {results[-1].frame_index} is no longer"):
        _ = results[-1].frame
    assert len(results) == 30


def test_a_list_of_results_holds_no_frame() -> None:
    frames: list[weakref.ref[Frame]] = []

    def script() -> Iterator[Frame]:
        for index in range(100):
            frame = fresh_frame(index)
            frames.append(weakref.ref(frame))
            yield frame
            del frame

    results = list(quick_stream(ScriptedSource(script)))
    assert len(results) == 100
    assert [reference() for reference in frames] == [None] * 100


def test_a_kept_frame_stays() -> None:
    kept = [result.frame for result in quick_stream(marked_source(0.2))]
    assert [frame.index for frame in kept] == list(range(6))


def test_two_loops_in_a_row_give_the_same() -> None:
    stream = quick_stream(marked_source())
    first, second = ([result.to_rows() for result in stream] for _ in "ab")
    assert first == second
    assert len(first) == 30
    assert stream.status is not None
    assert stream.status.counts.processed == 30


def test_a_second_loop_ends_the_first() -> None:
    stream = quick_stream(marked_source())
    first = iter(stream)
    next(first)
    assert len(list(stream)) == 30
    assert list(first) == []


def test_before_the_first_loop_there_is_no_status_and_nothing_to_stop() -> None:
    stream = quick_stream(marked_source())
    stream.stop()
    assert stream.status is None
    assert len(list(stream)) == 30


def test_leaving_the_loop_closes_the_source() -> None:
    source = ScriptedSource(counted(10**6))
    for result in quick_stream(source):
        if result.frame_index == 5:
            break
    assert (source.n_opened, source.n_closed) == (1, 1)


@pytest.mark.parametrize("is_live", [False, True])
def test_stopping_from_another_thread(is_live: bool) -> None:
    stream = quick_stream(ScriptedSource(counted(10**6, pause_s=0.005)), is_live=is_live)
    threading.Timer(0.3, stream.stop).start()
    began_s = time.monotonic()
    n_results = sum(1 for _ in stream)
    assert n_results > 5
    assert time.monotonic() - began_s < 2


@pytest.mark.slow
def test_stopping_while_the_source_blocks() -> None:
    gate = Gate()

    def script() -> Iterator[Frame]:
        yield fresh_frame()
        gate.block()

    stream = quick_stream(ScriptedSource(script), is_live=True, is_endless=True)
    threading.Timer(0.3, stream.stop).start()
    began_s = time.monotonic()
    assert len(list(stream)) == 1
    assert time.monotonic() - began_s < 2.3
    gate.open()


def test_a_recording_played_live_has_its_own_speed() -> None:
    began_s = time.monotonic()
    results = list(quick_stream(marked_source(0.6), is_live=True))
    assert time.monotonic() - began_s > 0.5
    assert 2 <= len(results) <= 18


def test_anything_that_gives_frames_is_a_source() -> None:
    source = crowd_clip(1, size_wh=(160, 120), duration_s=0.5)
    stream = emolens.stream(source, settings=QUICK)
    for _ in "ab":
        results = list(stream)
        assert [result.frame_index for result in results] == list(range(15))
        assert {face.label for result in results for face in result.faces} == {Emotion.HAPPY}
        assert all(len(result.faces) == 1 for result in results)


def test_a_video_file(tmp_path: Path) -> None:
    path = portrait_clip(tmp_path / "a.mkv")
    for source in (path, str(path)):
        results = list(emolens.stream(source, settings=QUICK))
        assert len(results) == 20
        assert [result.media_time_s for result in results] == pytest.approx(
            [index / 25 for index in range(20)], abs=1e-3
        )
        assert {len(result.faces) for result in results} == {1}


def test_a_part_of_a_video_file(tmp_path: Path) -> None:
    path = portrait_clip(tmp_path / "a.mkv")
    clip = emolens.Clip(0.2, 0.6, 2)
    results = list(emolens.stream(path, settings=QUICK, clip=clip))
    assert [result.frame_index for result in results] == [6, 8, 10, 12, 14]


def test_a_video_track_and_what_is_told_of_a_file(tmp_path: Path) -> None:
    recipes = [
        ClipRecipe(size_wh=(192, 128), n_frames=5),
        ClipRecipe(n_frames=5, pixel_ratio=Fraction(2)),
    ]
    path = make_tracks(tmp_path / "a.mp4", recipes)
    stream = emolens.stream(path, settings=QUICK, video_track=2)
    assert {result.size_wh for result in stream} == {(192, 64)}
    assert stream.status is not None
    (warning,) = stream.status.warnings
    assert warning.startswith("pixels are not square (aspect ratio 2:1)")
    with pytest.raises(ConfigError, match="no video track 3; available: 1 .192x128 px"):
        list(emolens.stream(path, settings=QUICK, video_track=3))
    with pytest.raises(ConfigError, match="video_track applies to files and folders only"):
        emolens.stream(marked_source(0.1), video_track=1)


def test_a_folder_of_images(tmp_path: Path) -> None:
    for frame in crowd_clip(1, size_wh=(160, 120), rate_hz=5, duration_s=1):
        cv2.imwrite(str(tmp_path / f"{frame.index}.png"), frame.image)
    results = list(emolens.stream(tmp_path, settings=QUICK, rate_hz=5))
    assert [result.media_time_s for result in results] == [0, 0.2, 0.4, 0.6, 0.8]
    assert {face.track_id for result in results for face in result.faces} == {1}


def test_what_is_not_there_is_told_in_the_loop(tmp_path: Path) -> None:
    stream = emolens.stream(tmp_path / "no.mp4", settings=QUICK)
    with pytest.raises(FileNotFoundError, match="no.mp4"):
        list(stream)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="without images"):
        list(emolens.stream(tmp_path / "empty", settings=QUICK))


@pytest.mark.parametrize("source", [None, 3.5, [1, 2], b"bytes", lambda: 1, object()])
def test_what_cannot_be_a_source_is_refused(source: object) -> None:
    with pytest.raises(ConfigError, match=f"source is of type {type(source).__name__}; allowed:"):
        emolens.stream(source)  # type: ignore[arg-type]  # wrong on purpose


def test_an_address_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="gopher"):
        emolens.stream("gopher://example.org/1")


def test_a_file_object_gives_no_frames() -> None:
    stream = emolens.stream(io.StringIO("a\nb"), settings=QUICK)
    with pytest.raises(InputError, match="yields objects of type str; allowed: Frame"):
        list(stream)


def test_a_clip_is_taken_of_files_only() -> None:
    with pytest.raises(ConfigError, match="files and folders only"):
        emolens.stream(marked_source(), clip=emolens.Clip(0, 1, 1))


@pytest.mark.parametrize("option", [{"detector": "haar"}, {"tracker": "sort2"}])
def test_unknown_names_are_refused(option: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option.values()))):
        emolens.stream(marked_source(), **option)  # type: ignore[arg-type]
