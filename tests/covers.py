"""The drawn occlusions of docs/experiments/covers.py, for tests."""

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

_PATH = Path(__file__).parents[1] / "docs" / "experiments" / "covers.py"
_spec = importlib.util.spec_from_file_location("covers", _PATH)
assert _spec is not None
assert _spec.loader is not None
_covers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_covers)

COVERS: tuple[str, ...] = tuple(_covers.COVERS)


def cover_face(
    image: Pixels, landmarks: npt.NDArray[np.float32], kind: str, rng: np.random.Generator
) -> Pixels:
    covered: Pixels = _covers.cover_face(image, landmarks, kind, rng)
    return covered
