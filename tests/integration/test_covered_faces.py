"""What is said of covered faces today: docs/experiments/0014-covered-and-drawn.md, model cards.

No check notices a cover. One that does makes these tests fail; then change them and the cards.
"""

import numpy as np
import pytest
from skimage import data

from emolens.core.emotion import Emotion
from emolens.detection import build_detector
from emolens.pipeline import ImageAnalyzer
from tests.covers import Pixels, cover_face


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    loaded: Pixels = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(loaded[:320, :480, ::-1])


@pytest.fixture(scope="module")
def analyzer() -> ImageAnalyzer:
    return ImageAnalyzer.load(n_threads=1)


def covered(astronaut: Pixels, kind: str) -> Pixels:
    landmarks = build_detector().detect(astronaut)[0].landmarks
    assert landmarks is not None
    return cover_face(astronaut, landmarks, kind, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["mask_blue", "mask_white", "mask_black", "hand"])
def test_a_smile_behind_a_cover_is_named_neutral_without_a_word(
    kind: str, astronaut: Pixels, analyzer: ImageAnalyzer
) -> None:
    assert [face.label for face in analyzer.analyze(astronaut).faces] == [Emotion.HAPPY]
    (face,) = analyzer.analyze(covered(astronaut, kind)).faces
    assert face.label == Emotion.NEUTRAL
    assert face.scores.confidence > 0.6
    assert face.quality.reasons == ()


@pytest.mark.parametrize("kind", ["beard", "sunglasses"])
def test_a_smile_that_can_be_seen_is_named(
    kind: str, astronaut: Pixels, analyzer: ImageAnalyzer
) -> None:
    (face,) = analyzer.analyze(covered(astronaut, kind)).faces
    assert face.label == Emotion.HAPPY
