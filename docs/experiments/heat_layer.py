"""Measure what heat maps cost a stream: CPU time per frame of one thread.

    python docs/experiments/heat_layer.py everyday labels labels-small --json docs/metrics/heat-layer.json

The sample portrait moves in frames of 640 x 480 at 30 frames per second. CPU time hardly depends on
other load.
"""  # noqa: E501 (commands stay on one line)

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.core.frame import Frame
from emolens.explanation import MapKind
from emolens.explanation.heat_layer import LIVE_CROPS, HeatLayer
from emolens.imaging.decode import read_image
from emolens.pipeline.models import Models

SAMPLE = Path(__file__).parents[2] / "src/emolens/media/astronaut.jpg"
N_FRAMES, N_WARM = 120, 20
CASES = {
    "activation": (MapKind.ACTIVATION, None),
    "occlusion, live": (MapKind.OCCLUSION, LIVE_CROPS),
    "occlusion, file": (MapKind.OCCLUSION, None),
}


def sample_frame() -> npt.NDArray[np.uint8]:
    """Return the sample portrait in a frame, uint8 (480, 640, 3) BGR."""
    frame = np.full((480, 640, 3), 110, np.uint8)
    frame[:, 80:560] = cv2.resize(read_image(str(SAMPLE)).image, (480, 480))
    return frame


def measure(models: Models, kind: MapKind, crops_per_frame: int | None) -> dict[str, float]:
    """Measure the analysis and the heat layer, in CPU milliseconds per frame."""
    analyzer = models.stream_analyzer()
    explainer = models.explainer_of(kind)
    layer = HeatLayer(explainer, analyzer.framing, crops_per_frame=crops_per_frame)
    analysis, drawing, still = [], [], sample_frame()
    for index in range(N_FRAMES):
        image = np.roll(still, round(8 * np.sin(index / 10)), axis=1)
        frame = Frame(image, index=index, media_time_s=index / 30)
        started_s = time.process_time()
        result = analyzer.step(frame)
        analysed_s = time.process_time()
        layer.apply(image, result)
        drawing.append(1e3 * (time.process_time() - analysed_s))
        analysis.append(1e3 * (analysed_s - started_s))
    taken = np.array(drawing[N_WARM:])
    analysis_ms = float(np.mean(analysis[N_WARM:]))
    return {
        "analysis_mean_ms": analysis_ms,
        "layer_mean_ms": float(taken.mean()),
        "layer_max_ms": float(taken.max()),
        "frames_per_s": 1e3 / (analysis_ms + float(taken.mean())),
    }


def main() -> None:
    """Measure the models, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    record = {}
    for name in options.models:
        models = Models(model=name, n_threads=1)
        record[name] = {case: measure(models, *how) for case, how in CASES.items()}
    print(json.dumps(record, indent=1))
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
