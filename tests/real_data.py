"""Data sets and models outside the repository. Tests that need them have the mark `data`."""

import os
from pathlib import Path

import pytest

from emolens.datasets.locate import DATA_FOLDER

DATA = Path(os.environ.get(DATA_FOLDER) or Path(__file__).resolve().parents[2] / "shared")
FER2013 = DATA / "fer2013"
MODELS = DATA / "models"
PRETRAINED = DATA / "pretrained"


def needs(path: Path) -> pytest.MarkDecorator:
    """Mark a test that needs a file or folder; it is skipped without."""
    return pytest.mark.skipif(not path.exists(), reason=f"needs {path.name} in {DATA_FOLDER}")
