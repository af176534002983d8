"""Fixtures that several rooms share; generated images unless a test needs a real face."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.emotion import N_EMOTIONS
from emolens.datasets.votes import VOTE_NAMES
from emolens.imaging.decode import read_image
from emolens.media.sample import sample_image
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.runtime.catalogue import KnownModel

# FER+'s names for our classes, in our order.
FERPLUS_NAMES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """uint8 (512, 512, 3) BGR portrait, public domain."""
    return read_image(sample_image()).image


@pytest.fixture(scope="session")
def analyzer() -> ImageAnalyzer:
    """The analyzer that users get."""
    return ImageAnalyzer.load()


@pytest.fixture
def model_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each model file of the catalogue has been read since, by the model's name."""
    counts: Counter[str] = Counter()
    read = KnownModel.read

    def counted(model: KnownModel, copy: Path | None = None) -> bytes:
        counts[model.name] += 1
        return read(model, copy)

    monkeypatch.setattr(KnownModel, "read", counted)
    return counts


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def gray_faces() -> npt.NDArray[np.uint8]:
    """uint8 (256, 48, 48) smooth random images with the grey values of faces."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, (256, 48, 48)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in noise])
    scaled = smooth / smooth.std(axis=(1, 2), keepdims=True) * 60 + 128
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


@pytest.fixture(scope="session")
def generated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of drawn images whose class shows in their stripes, with both splits.

    280 faces to train on, 140 to validate with, and FER+ votes.
    """
    rng = np.random.default_rng(0)
    rows: dict[str, list[object]] = {"usage": [], "emotion": [], "image": []}
    rows |= {f"ferplus_{name}": [] for name in VOTE_NAMES}
    for index in range(420):
        label = index % N_EMOTIONS
        wave = np.sin(np.arange(48) * (label + 1) * 0.25 + rng.uniform(0, 6))
        image = 128 + 80 * np.tile(wave, (48, 1)) + rng.normal(0, 10, (48, 48))
        encoded = cv2.imencode(".png", np.clip(image, 0, 255).astype(np.uint8))[1].tobytes()
        rows["usage"].append("Training" if index < 280 else "PublicTest")
        rows["emotion"].append(label)
        rows["image"].append(encoded)
        # Eight raters see what is there, two see neutral.
        seen = FERPLUS_NAMES[label]
        for name in VOTE_NAMES:
            rows[f"ferplus_{name}"].append(8 * (name == seen) + 2 * (name == "neutral"))
    path = tmp_path_factory.mktemp("data") / "faces.parquet"
    pq.write_table(pa.table(rows), path)
    return path


@pytest.fixture(scope="session")
def small_run(generated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished training run of a small network on drawn images."""
    from emolens.training.fit import fit
    from tests.recipes import small_recipe

    folder = tmp_path_factory.mktemp("run")
    # Until it is sure of every image, so that rounding to 8 bits turns no close decision.
    fit(small_recipe(generated_data, epochs=24), folder, show_progress=False)
    return folder
