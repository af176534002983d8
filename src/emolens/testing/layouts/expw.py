"""A writer of ExpW, with two faces per image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emolens.testing.layouts.files import write_jpeg, write_text
from emolens.testing.layouts.samples import DrawnSample

_BACKGROUND_GRAY = 128
_MARGIN_PX = 16
_FACES_PER_IMAGE = 2


def write_expw(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write the list and the images, each with two faces side by side.

    Args:
        folder: The output folder.
        samples: Faces of one size with ExpW's codes and without split.

    Returns:
        The folder to read.
    """
    rows = []
    for start in range(0, len(samples), _FACES_PER_IMAGE):
        name = f"drawn_faces_{start}.jpg"
        shown = samples[start : start + _FACES_PER_IMAGE]
        side = len(shown[0].image)
        step = side + _MARGIN_PX
        size = (side + 2 * _MARGIN_PX, _FACES_PER_IMAGE * step + _MARGIN_PX)
        scene = np.full(size, _BACKGROUND_GRAY, np.uint8)
        top, bottom = _MARGIN_PX, _MARGIN_PX + side
        for number, sample in enumerate(shown):
            left = _MARGIN_PX + number * step
            right = left + side
            scene[top:bottom, left:right] = sample.image
            rows.append(f"{name} {number} {top} {left} {right} {bottom} 99.5 {sample.code}\n")
        write_jpeg(folder / "image" / "origin" / name, scene)
    write_text(folder / "label" / "label.lst", "".join(rows))
    return folder
