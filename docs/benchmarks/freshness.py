"""Measure the age of live results and check the frame counts (G1, G2).

python docs/benchmarks/freshness.py --minutes 10 --json docs/metrics/freshness.json

A camera with 30 frames per second and a classifier slowed down to 5 faces per second. Results may
be one frame plus 1.5 inferences old, and their age must not grow. Another thread reads the counts
continuously.
"""

import argparse
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import FakeClassifier, FakeDetector, SyntheticSource

RATE_HZ = 30.0
INFERENCE_S = 0.2


class SlowClassifier(FakeClassifier):
    """A classifier that takes a fifth of a second per call."""

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Wait, then classify."""
        time.sleep(INFERENCE_S)
        return super().classify(crops)


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    face = FaceDetection(Box(60, 40, 140, 160), 0.9)
    every_frame = StreamSettings(detect_hz=None, classify_hz=None)
    analyzer = StreamAnalyzer(FakeDetector([face]), SlowClassifier(), settings=every_frame)
    source = SyntheticSource(
        size_wh=(320, 240), rate_hz=RATE_HZ, duration_s=60 * options.minutes, is_live=True
    )
    runner = StreamRunner(lambda: source, analyzer.step, is_live=True)
    n_scrapes, wrong = 0, []
    is_over = threading.Event()

    def scrape() -> None:
        nonlocal n_scrapes
        while not is_over.wait(0.001):
            counts = runner.status.counts
            n_scrapes += 1
            if counts.captured != counts.processed + counts.dropped + counts.in_flight:
                wrong.append(counts)

    scraper = threading.Thread(target=scrape)
    scraper.start()
    times_s, ages_ms = [], []
    for result in runner:
        now_s = time.monotonic()
        times_s.append(now_s)
        ages_ms.append(1e3 * (now_s - result.frame.captured_at_s))
    is_over.set()
    scraper.join()
    counts = runner.status.counts
    minutes = (np.array(times_s) - times_s[0]) / 60
    results = {
        "minutes": options.minutes,
        "n_results": len(ages_ms),
        "age_p50_ms": float(np.percentile(ages_ms, 50)),
        "age_p95_ms": float(np.percentile(ages_ms, 95)),
        "limit_ms": 1e3 * (1 / RATE_HZ + 1.5 * INFERENCE_S),
        "slope_ms_per_min": float(np.polyfit(minutes, ages_ms, 1)[0]),
        "n_scrapes": n_scrapes,
        "n_wrong_scrapes": len(wrong),
        "captured": counts.captured,
        "processed": counts.processed,
        "dropped": counts.dropped,
        "in_flight": counts.in_flight,
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
