"""How quick a source goes through the stages, from decoding to the drawn image."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from emolens.core.ports import FrameSource
from emolens.pipeline.latency import Latency, StageLatencies
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.stream_overlay import StreamOverlay

# Not counted: caches, threads and memory are made ready in them.
_N_WARM = 5


@dataclass(frozen=True, slots=True)
class SpeedMetrics:
    """What one run took.

    Attributes:
        n_frames: Frames that count.
        n_faces: Faces in the last of them.
        frames_per_s: Frames that could be processed in a second of real time.
        stages: Milliseconds of each stage that ran, and of `frame`, all of them together.
    """

    n_frames: int
    n_faces: int
    frames_per_s: float
    stages: dict[str, Latency] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, strings and dicts."""
        return {
            "n_frames": self.n_frames,
            "n_faces": self.n_faces,
            "frames_per_s": self.frames_per_s,
            "stages_ms": {
                stage: {"n": of.n, "p50": of.p50_ms, "p95": of.p95_ms, "p99": of.p99_ms}
                for stage, of in self.stages.items()
            },
        }


def measure_speed(
    source: FrameSource,
    analyzer: StreamAnalyzer,
    *,
    max_frames: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> SpeedMetrics:
    """Run a source through decoding, analysis and drawing, one after the other.

    Args:
        source: Where frames come from; closed afterwards.
        analyzer: What is done with them.
        max_frames: Stop after so many; None goes on to the end.
        clock: Gives seconds.

    Returns:
        Figures without the first five frames, or with them where there are no others.
    """
    overlay = StreamOverlay()
    latencies = StageLatencies()
    n_frames = n_faces = 0
    total_s = 0.0
    with source:
        frames = iter(source)
        while max_frames is None or n_frames < max_frames + _N_WARM:
            started_s = clock()
            frame = next(frames, None)
            if frame is None:
                break
            decoded_s = clock()
            result = analyzer.step(frame)
            analyzed_s = clock()
            overlay.apply(frame.image, result)
            ended_s = clock()
            if n_frames == _N_WARM:
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
    n_counted = n_frames - _N_WARM if n_frames > _N_WARM else n_frames
    rate = n_counted / total_s if total_s > 0 else 0.0
    return SpeedMetrics(n_counted, n_faces, rate, latencies.summary())
