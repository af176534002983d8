from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from emolens.classification import OnnxEmotionClassifier, TenViewClassifier
from emolens.core.emotion import EmotionScores
from emolens.core.errors import InputError
from emolens.core.ports import EmotionClassifier
from emolens.testing import FakeClassifier

CLASSIFIERS: dict[str, Callable[[], EmotionClassifier]] = {
    "onnx": OnnxEmotionClassifier.load,
    "ten-view": lambda: TenViewClassifier(OnnxEmotionClassifier.load()),
    "fake": FakeClassifier,
}


@pytest.fixture(scope="module", params=CLASSIFIERS)
def classifier(request: pytest.FixtureRequest) -> EmotionClassifier:
    return CLASSIFIERS[request.param]()


def stacked(scores: Sequence[EmotionScores]) -> npt.NDArray[np.float32]:
    return np.stack([score.probabilities for score in scores])


def test_no_crops_give_no_scores(classifier: EmotionClassifier) -> None:
    assert classifier.classify([]) == []


@pytest.mark.parametrize("n_crops", [1, 3, 17, 40])
def test_a_batch_equals_single_crops(
    classifier: EmotionClassifier, gray_faces: npt.NDArray[np.uint8], n_crops: int
) -> None:
    crops = list(gray_faces[:n_crops])
    together = stacked(classifier.classify(crops))
    alone = stacked([classifier.classify([crop])[0] for crop in crops])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_scores_stay_with_their_crops(
    classifier: EmotionClassifier, gray_faces: npt.NDArray[np.uint8]
) -> None:
    crops = list(gray_faces[:5])
    forward, backward = classifier.classify(crops), classifier.classify(crops[::-1])
    np.testing.assert_allclose(stacked(forward), stacked(backward)[::-1], atol=1e-5)


def test_same_input_gives_the_same_bytes(
    classifier: EmotionClassifier, gray_faces: npt.NDArray[np.uint8]
) -> None:
    crops = list(gray_faces[:4])
    assert (
        stacked(classifier.classify(crops)).tobytes()
        == stacked(classifier.classify(crops)).tobytes()
    )


def test_colour_and_grey_of_any_size_are_read(classifier: EmotionClassifier) -> None:
    crops = [np.full((30, 30), 90, np.uint8), np.full((100, 100, 3), 90, np.uint8)]
    small, large = stacked(classifier.classify(crops))
    np.testing.assert_allclose(small, large, atol=1e-5)


@pytest.mark.parametrize("name", ["onnx", "ten-view"])
@pytest.mark.parametrize(
    "crop",
    [np.zeros((48, 48), np.float32), np.zeros((48, 48, 4), np.uint8), np.zeros((0, 48), np.uint8)],
)
def test_what_is_no_crop_is_refused(name: str, crop: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError):
        CLASSIFIERS[name]().classify([crop])
