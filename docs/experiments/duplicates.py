"""Measure the similarity of pairs proposed by perceptual hashes, for 0007-duplicates.md.

python docs/experiments/duplicates.py SOURCE [--sheet FILE.png --low 0.94 --high 0.97]

The sheet shows pairs of the data set side by side. It shows people: do not share it.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emolens.datasets.duplicates import likely_pairs
from emolens.datasets.loading import load_faces
from emolens.datasets.reframing import mirrored
from emolens.datasets.same_photograph import aligned_correlation

EDGES = (-1, 0.5, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.01)
N_SHOWN, N_COLUMNS = 120, 8

Image = npt.NDArray[np.uint8]


def main() -> None:
    """Count pairs by their detail correlation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--low", type=float, default=0.94)
    parser.add_argument("--high", type=float, default=0.97)
    options = parser.parse_args()
    images = list(np.unique(load_faces(options.source).images, axis=0))
    correlations: dict[bool, list[float]] = {False: [], True: []}
    shown: list[tuple[float, Image]] = []
    for _, pairs in likely_pairs(images):
        for row, other, guess in pairs:
            first, second = images[row], images[other]
            alike = aligned_correlation(first, second, guess)
            correlations[guess.is_mirrored].append(alike)
            if options.sheet and options.low <= alike < options.high:
                second = mirrored(second) if guess.is_mirrored else second
                shown.append((alike, np.hstack([first, second])))
    for name, is_mirrored in (("unmirrored", False), ("mirrored", True)):
        counts = np.histogram(correlations[is_mirrored], EDGES)[0]
        print(f"{name}: {len(correlations[is_mirrored])} pairs")
        for low, high, count in zip(EDGES, EDGES[1:], counts, strict=False):
            print(f"  {low:5.2f} to {min(high, 1):4.2f}: {count}")
    if shown:
        write_sheet(options.sheet, shown)


def write_sheet(path: Path, shown: list[tuple[float, Image]]) -> None:
    """Write pairs in ascending order of correlation."""
    shown.sort(key=lambda pair: pair[0])
    cells = [np.pad(pair, 2) for _, pair in shown[:: len(shown) // N_SHOWN + 1]]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % N_COLUMNS)
    rows = [
        np.hstack(cells[start : start + N_COLUMNS]) for start in range(0, len(cells), N_COLUMNS)
    ]
    cv2.imwrite(str(path), np.vstack(rows))


if __name__ == "__main__":
    main()
