"""Measure frame rate and latency of the live pipeline (G3).

python docs/benchmarks/live.py --seconds 60 --json docs/metrics/live.json

A camera with 640x480 px, 30 frames per second and one face, the model `labels`, the settings of
`emolens live`, the drawn image and its recording. The delay is the time from the capture of a frame
to its drawn image.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from emolens.core.frame import Frame, FrameResult
from emolens.media.callback_sink import CallbackSink
from emolens.media.recording_sink import RecordingSink
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.testing import crowd_clip


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--model", default="labels")
    parser.add_argument("--faces", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    analyzer = StreamAnalyzer.load(model=options.model, settings=StreamSettings.for_live())
    analyzer.warm_up()
    source = crowd_clip(options.faces, duration_s=options.seconds, is_live=True)
    delays_ms: list[float] = []

    def record_delay(frame: Frame, _result: FrameResult) -> None:
        delays_ms.append(1e3 * (time.monotonic() - frame.captured_at_s))

    runner = StreamRunner(lambda: source, analyzer.step, is_live=True)
    with TemporaryDirectory() as folder:
        recording = RecordingSink(Path(folder) / "live.mkv")
        outputs = Outputs(images=[CallbackSink(record_delay), recording], layers=[StreamOverlay()])
        with outputs:
            began_s = time.monotonic()
            for result in runner:
                outputs.write(result.frame, result)
            seconds = time.monotonic() - began_s
    counts, latencies = runner.status.counts, runner.status.latencies | outputs.latencies
    results = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "model": options.model,
        "faces": options.faces,
        "seconds": options.seconds,
        "frames_per_s": counts.processed / seconds,
        "captured": counts.captured,
        "dropped": counts.dropped,
        "delay_p50_ms": float(np.percentile(delays_ms, 50)),
        "delay_p95_ms": float(np.percentile(delays_ms, 95)),
        "delay_p99_ms": float(np.percentile(delays_ms, 99)),
        "stages_p50_ms": {stage: of.p50_ms for stage, of in latencies.items()},
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
