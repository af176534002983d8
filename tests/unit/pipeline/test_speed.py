import itertools

import pytest

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.pipeline.speed import measure_speed
from emolens.pipeline.stream import StreamAnalyzer
from emolens.testing import FakeClassifier, FakeDetector, SyntheticSource

FACE = FaceDetection(Box(10, 10, 90, 90), 0.9)


def analyzer() -> StreamAnalyzer:
    return StreamAnalyzer(FakeDetector([FACE]), FakeClassifier())


def test_counts_the_frames_behind_the_warm_up() -> None:
    source = SyntheticSource(size_wh=(120, 100), rate_hz=30, duration_s=1)
    results = measure_speed(source, analyzer())
    assert results.n_frames == results.stages["frame"].n == 25
    # Ten times a second: 8 or 9 of the frames that count.
    assert results.stages["detection"].n in {8, 9}
    assert results.n_faces == 1
    assert list(source) == []  # closed


def test_stops_when_it_has_enough() -> None:
    source = SyntheticSource(size_wh=(120, 100), rate_hz=30, duration_s=100)
    assert measure_speed(source, analyzer(), max_frames=7).n_frames == 7


@pytest.mark.parametrize("n_frames", [0, 1, 5])
def test_a_short_source_counts_as_it_is(n_frames: int) -> None:
    source = SyntheticSource(size_wh=(120, 100), rate_hz=25, duration_s=n_frames / 25)
    results = measure_speed(source, analyzer())
    assert results.n_frames == n_frames
    assert (results.frames_per_s > 0) == (n_frames > 0)


def test_reads_the_clock_that_it_is_given() -> None:
    source = SyntheticSource(size_wh=(120, 100), rate_hz=30, duration_s=1)
    ticks = itertools.count()
    results = measure_speed(source, analyzer(), clock=lambda: float(next(ticks)))
    # Four readings a frame, a second apart: decoding, analysis and drawing take one each.
    assert results.frames_per_s == pytest.approx(1 / 3)
    assert results.stages["decoding"].p50_ms == pytest.approx(1000, rel=0.01)
    assert results.stages["drawing"].p50_ms == pytest.approx(1000, rel=0.01)
    assert results.stages["frame"].p50_ms == pytest.approx(3000, rel=0.01)


def test_the_record_is_plain() -> None:
    source = SyntheticSource(size_wh=(120, 100), rate_hz=30, duration_s=1)
    record = measure_speed(source, analyzer()).to_dict()
    assert set(record) == {"n_frames", "n_faces", "frames_per_s", "stages_ms"}
    stages = record["stages_ms"]
    assert isinstance(stages, dict)
    assert set(stages["frame"]) == {"n", "p50", "p95", "p99"}
