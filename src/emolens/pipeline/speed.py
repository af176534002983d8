"""Speed measurements of all stages, from decoding to drawing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from emolens.core.ports import FrameSource
from emolens.pipeline.latency import Latency, StageLatencies
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.stream_overlay import StreamOverlay

# Excluded from the measurement, because they warm up caches, threads and memory.
_N_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class SpeedMetrics:
    """The speed metrics of one run.

    Attributes:
        n_frames: Number of measured frames.
        n_faces: Number of faces in the last frame.
        frames_per_s: Processed frames per second of real time.
        stages: Latencies in milliseconds of each stage, and of `frame`, which is all stages.
    """

    n_frames: int
    n_faces: int
    frames_per_s: float
    stages: dict[str, Latency] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the metrics as plain numbers, strings and dicts."""
        return {
            "n_frames": self.n_frames,
            "n_faces": self.n_faces,
            "frames_per_s": self.frames_per_s,
            "stages_ms": {
                stage: {
                    "n": latency.n,
                    "p50": latency.p50_ms,
                    "p95": latency.p95_ms,
                    "p99": latency.p99_ms,
                }
                for stage, latency in self.stages.items()
            },
        }


def measure_speed(
    source: FrameSource,
    analyzer: StreamAnalyzer,
    *,
    max_frames: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> SpeedMetrics:
    """Measure decoding, analysis and drawing of a source, run sequentially.

    Args:
        source: Source of the frames. It is closed afterwards.
        analyzer: Analyzer of the frames.
        max_frames: Maximum number of measured frames; None runs to the end.
        clock: Clock in seconds.

    Returns:
        Metrics without the first five frames, or with them if there are no others.
    """
    overlay = StreamOverlay()
    latencies = StageLatencies()
    n_frames = n_faces = 0
    total_s = 0.0
    with source:
        frames = iter(source)
        while max_frames is None or n_frames < max_frames + _N_WARM_UP:
            started_s = clock()
            frame = next(frames, None)
            if frame is None:
                break
            decoded_s = clock()
            result = analyzer.step(frame)
            analyzed_s = clock()
            overlay.apply(frame.image, result)
            ended_s = clock()
            if n_frames == _N_WARM_UP:
                latencies, total_s = StageLatencies(), 0.0
            n_frames += 1
            n_faces = len(result.faces)
            total_s += ended_s - started_s
            latencies.add(
                {
                    "decoding": 1e3 * (decoded_s - started_s),
                    **result.timings_ms,
                    "drawing": 1e3 * (ended_s - analyzed_s),
                    "frame": 1e3 * (ended_s - started_s),
                }
            )
    n_counted = n_frames - _N_WARM_UP if n_frames > _N_WARM_UP else n_frames
    rate = n_counted / total_s if total_s > 0 else 0.0
    return SpeedMetrics(n_counted, n_faces, rate, latencies.summary())
