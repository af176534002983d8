"""The drawn occlusions of docs/experiments/covers.py, for tests."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.scripts import load_script

Pixels = npt.NDArray[np.uint8]

_covers = load_script(Path(__file__).parents[1] / "docs" / "experiments" / "covers.py")

COVERS: tuple[str, ...] = tuple(_covers.COVERS)


def cover_face(
    image: Pixels, landmarks: npt.NDArray[np.float32], kind: str, rng: np.random.Generator
) -> Pixels:
    covered: Pixels = _covers.cover_face(image, landmarks, kind, rng)
    return covered
