"""Fixtures that several rooms share; generated pictures unless a test needs a real face."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.imaging.decode import read_image
from emolens.media.sample import sample_picture
from emolens.pipeline.analyzer import ImageAnalyzer


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """uint8 (512, 512, 3) BGR portrait from scikit-image, public domain."""
    return read_image(sample_picture()).image


@pytest.fixture(scope="session")
def analyzer() -> ImageAnalyzer:
    """The analyzer that users get."""
    return ImageAnalyzer.load()


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def gray_faces() -> npt.NDArray[np.uint8]:
    """uint8 (256, 48, 48) smooth random pictures with the grey values of faces."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, (256, 48, 48)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(picture, (0, 0), 3) for picture in noise])
    scaled = smooth / smooth.std(axis=(1, 2), keepdims=True) * 60 + 128
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)
