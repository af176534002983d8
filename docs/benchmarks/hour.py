"""Measure memory and speed during an hour of video (G8).

python docs/benchmarks/hour.py --frames 108000 --json docs/metrics/hour.json

A generated clip of 320x240 px with one face is read from a file and passes through the stages of
`emolens video`, with a Parquet table, a recording and the summary of the report. Detection and
classification run twice per second, which makes this faster than the default.
"""

import argparse
import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from emolens.core.frame import Frame, FrameResult
from emolens.media.callback_sink import CallbackSink
from emolens.media.recording_sink import RecordingSink
from emolens.media.table_sink import TableSink
from emolens.media.video_source import VideoSource
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.sessions.session import SessionSummary
from emolens.testing import crowd_clip

SIZE_WH = (320, 240)
EVERY = 500
# Caches and arenas fill up at the start; growth is measured from this frame on.
SETTLED = 2000


def rss_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """Return the peak resident memory of this process in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def write_clip(path: Path, n_frames: int) -> None:
    """Write a clip that repeats 30 s of movement."""
    source = crowd_clip(1, size_wh=SIZE_WH, duration_s=30)
    frames = list(source)
    with RecordingSink(path) as recording:
        for index in range(n_frames):
            image = frames[index % len(frames)].image
            frame = Frame(image, index, media_time_s=index / 30)
            recording.write(frame, FrameResult(frame.size_wh, ()))


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    memory: list[tuple[int, float, float]] = []

    def record_memory(frame: Frame, _result: FrameResult) -> None:
        if frame.index % EVERY == 0:
            memory.append((frame.index, rss_mb(), time.perf_counter()))

    with TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "hour.mkv", options.frames)
        analyzer = StreamAnalyzer.load(settings=StreamSettings(detect_hz=2, classify_hz=2))
        summary = SessionSummary()
        outputs = Outputs(
            data=[summary, TableSink(folder / "hour.parquet"), CallbackSink(record_memory)],
            images=[RecordingSink(folder / "drawn.mkv")],
            layers=[StreamOverlay()],
        )
        with VideoSource(folder / "hour.mkv") as source, outputs:
            runner = StreamRunner(lambda: source, analyzer.step, is_live=False)
            for result in runner:
                outputs.write(result.frame, result)
    session = summary.finish()
    settled = [(rss, at_s) for index, rss, at_s in memory if index >= SETTLED]
    steps_s = np.diff([at_s for _rss, at_s in settled])
    tenth = max(1, len(steps_s) // 10)
    results = {
        "n_frames": session.n_frames,
        "n_tracks": session.n_tracks,
        "rss_settled_mb": settled[0][0],
        "rss_end_mb": settled[-1][0],
        "growth_mb": max(rss for rss, _ in settled) - settled[0][0],
        "peak_mb": peak_mb(),
        "frames_per_s": float(EVERY / steps_s.mean()),
        "last_tenth_over_first": float(steps_s[:tenth].mean() / steps_s[-tenth:].mean()),
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
