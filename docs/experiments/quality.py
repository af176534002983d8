"""Measure the sharpness of FER2013's faces: original, blurred and enlarged.

python docs/experiments/quality.py PATH_OF_A_TRAINING_FILE.parquet
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.imaging.quality import measure_sharpness

_LIMITS = (0.005, 0.01, 0.02, 0.03, 0.05)
_QUANTILES = (0.001, 0.005, 0.05, 0.5, 0.95)
_EVERY = 10


def _report(name: str, faces: Iterable[npt.NDArray[np.uint8]]) -> None:
    sharpness = np.array([measure_sharpness(face) for face in faces])
    quantiles = " ".join(f"{value:7.4f}" for value in np.quantile(sharpness, _QUANTILES))
    below = " ".join(f"{np.mean(sharpness < limit):7.2%}" for limit in _LIMITS)
    print(f"{name:>16} | {quantiles} | {below}")


def _shrunk(face: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def main() -> None:
    """Print quantiles of the sharpness and shares below thresholds, one line per variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    images = load_faces(parser.parse_args().source, Split.TRAIN).images
    some = images[::_EVERY]
    print(f"{len(images)} faces; blurred and enlarged: every {_EVERY}th")
    print(f"{'':>16} | quantiles {_QUANTILES} | share below {_LIMITS}")
    _report("original", images)
    for sigma in (0.5, 1, 1.5, 2, 3, 4, 6):
        blurred = (cv2.GaussianBlur(face, (0, 0), sigma) for face in some)
        _report(f"blur {sigma} px", blurred)
    for side in (12, 16, 24, 32):
        _report(f"from {side} px", (_shrunk(face, side) for face in some))


if __name__ == "__main__":
    main()
