"""Count the track numbers of one face in ten minutes (G6).

python docs/benchmarks/identity.py --minutes 10 --json docs/metrics/identity.json

The clip of `docs/benchmarks/live.py`, not in real time, with the settings of `emolens live` except
for their time limits. Crossing and hidden faces: `docs/experiments/tracking.py`.
"""

import argparse
import json
from pathlib import Path

from emolens.detection import DEFAULT_DETECTOR
from emolens.pipeline.runner import StreamRunner
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import crowd_clip


def main() -> None:
    """Print the results and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = StreamSettings(
        detector_px=StreamSettings.for_live().resolve_detector_px(DEFAULT_DETECTOR)
    )
    analyzer = StreamAnalyzer.load(settings=settings)
    source = crowd_clip(1, duration_s=60 * options.minutes)
    n_frames, n_visible, numbers, labels = 0, 0, set(), set()
    for result in StreamRunner(lambda: source, analyzer.step, is_live=False):
        n_frames += 1
        n_visible += bool(result.faces)
        numbers |= {face.track_id for face in result.faces}
        labels |= {face.label.label for face in result.faces if face.label is not None}
    results = {
        "minutes": options.minutes,
        "n_frames": n_frames,
        "n_frames_with_face": n_visible,
        "n_ids": len(numbers),
        "labels": sorted(labels),
    }
    print(json.dumps(results, indent=1))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
