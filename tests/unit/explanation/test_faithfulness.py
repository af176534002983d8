from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolens.core.emotion import Emotion, EmotionScores
from emolens.core.errors import InputError
from emolens.core.geometry import Box
from emolens.core.manifest import InputSpec
from emolens.explanation import ActivationExplainer, ActivationMaps
from emolens.explanation.faithfulness import (
    blurred_face,
    compare_explainers,
    measure_faithfulness,
    order_by,
    rank_agreement,
    removal_scores,
)
from emolens.explanation.placement import even_centers
from emolens.imaging.crop import crop_square
from emolens.imaging.preprocess import to_gray
from tests.unit.explanation.models import SIZE_PX, UNIFORM, brightness_model

CENTERS = even_centers(3)
values = hnp.arrays(np.float32, (7, 3, 3), elements=st.integers(-50, 50))


class MouthClassifier:
    """Says happy as far as a square of the face is as in the face it was made for."""

    input_spec = InputSpec(size_px=SIZE_PX, mean=0.5, std=0.25)
    square = (slice(32, 44), slice(16, 32))

    def __init__(self, face: npt.NDArray[np.uint8]) -> None:
        self.mouth = face[self.square]

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        return [self._scores(float((crop[self.square] == self.mouth).mean())) for crop in crops]

    def explain(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[ActivationMaps]:
        maps = np.zeros((7, 3, 3), np.float32)
        maps[Emotion.HAPPY.index, 2, 1] = 1
        return [ActivationMaps(maps, scores, CENTERS) for scores in self.classify(crops)]

    @staticmethod
    def _scores(share: float) -> EmotionScores:
        probabilities = np.full(7, (1 - share) / 6, np.float32)
        probabilities[Emotion.HAPPY.index] = share
        return EmotionScores(probabilities)


@pytest.fixture
def face() -> npt.NDArray[np.uint8]:
    """Noise, so that blurring changes nearly every pixel."""
    return np.random.default_rng(3).integers(0, 256, (SIZE_PX, SIZE_PX)).astype(np.uint8)


@given(values, values)
def test_rank_agreement_is_symmetric_and_bounded(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> None:
    one, other = (ActivationMaps(maps, UNIFORM, CENTERS) for maps in (first, second))
    agreement = rank_agreement(one, other)
    assert agreement.shape == (7,)
    assert (np.abs(agreement) <= 1).all()
    np.testing.assert_allclose(agreement, rank_agreement(other, one), atol=1e-12)


@given(values)
def test_rank_agreement_sees_the_order_alone(maps: npt.NDArray[np.float32]) -> None:
    one = ActivationMaps(maps, UNIFORM, CENTERS)
    cubed = ActivationMaps(maps**3 + 7, UNIFORM, CENTERS)
    reversed_maps = ActivationMaps(-maps, UNIFORM, CENTERS)
    has_order = np.ptp(maps, axis=(1, 2)) > 0
    np.testing.assert_allclose(rank_agreement(one, cubed), has_order, atol=1e-9)
    np.testing.assert_allclose(rank_agreement(one, reversed_maps), -1.0 * has_order, atol=1e-9)


def test_maps_with_other_cells_are_not_compared() -> None:
    one = ActivationMaps(np.zeros((7, 3, 3), np.float32), UNIFORM, CENTERS)
    other = ActivationMaps(np.zeros((7, 2, 2), np.float32), UNIFORM, even_centers(2))
    with pytest.raises(InputError, match="one architecture"):
        rank_agreement(one, other)


def test_an_explainer_agrees_with_itself_on_every_crop(
    gray_faces: npt.NDArray[np.uint8],
) -> None:
    explainer = ActivationExplainer(brightness_model())
    agreement = compare_explainers(explainer, explainer, list(gray_faces[:5]))
    assert agreement.shape == (5, 7)
    # The map of the first class is 0 everywhere and has no order.
    np.testing.assert_allclose(agreement, np.tile([0, 1, 1, 1, 1, 1, 1], (5, 1)), atol=1e-9)
    assert compare_explainers(explainer, explainer, []).shape == (0, 7)


def test_a_blurred_face_keeps_its_size_and_loses_its_detail(face: npt.NDArray[np.uint8]) -> None:
    blurred = blurred_face(face)
    assert blurred.shape == face.shape
    assert blurred.std() < 0.1 * face.std()
    assert abs(blurred.mean() - face.mean()) < 10


@given(hnp.arrays(np.float32, (6, 6), elements=st.floats(-9, 9, width=32)))
def test_an_order_falls_and_names_every_pixel(evidence: npt.NDArray[np.float32]) -> None:
    order = order_by(evidence)
    assert sorted(order) == list(range(36))
    assert (np.diff(evidence.ravel()[order]) <= 0).all()


def test_the_right_pixels_first_score_better_than_last(face: npt.NDArray[np.uint8]) -> None:
    classifier = MouthClassifier(face)
    evidence = np.zeros((SIZE_PX, SIZE_PX), np.float32)
    evidence[classifier.square] = 1
    first, last = (
        removal_scores(classifier, face, Emotion.HAPPY, order_by(sign * evidence), n_steps=48)
        for sign in (1, -1)
    )
    # The mouth is 192 of 2304 pixels: its probability falls from 1 to 0 in the first twelfth.
    assert first.deletion == pytest.approx(1 / 24, abs=0.02)
    assert first.insertion == pytest.approx(1 - 1 / 24, abs=0.02)
    assert last.deletion == pytest.approx(1 - 1 / 24, abs=0.02)
    assert last.insertion == pytest.approx(1 / 24, abs=0.02)


def test_an_order_that_is_none_is_refused(face: npt.NDArray[np.uint8]) -> None:
    classifier = MouthClassifier(face)
    with pytest.raises(InputError, match="each of the face's 2304 pixels once"):
        removal_scores(classifier, face, Emotion.HAPPY, np.zeros(face.size, np.int64))
    with pytest.raises(InputError, match="n_steps"):
        removal_scores(classifier, face, Emotion.HAPPY, np.arange(face.size), n_steps=0)


def test_a_true_map_beats_chance_and_the_seed_repeats(face: npt.NDArray[np.uint8]) -> None:
    explainer = MouthClassifier(face)
    measured = measure_faithfulness(explainer, face, seed=1)
    assert measured.by_map.deletion < measured.by_shuffled_map.deletion
    assert measured.by_map.deletion < measured.by_random_pixels.deletion - 0.2
    assert measured.by_map.insertion > measured.by_random_pixels.insertion + 0.2
    assert measured == measure_faithfulness(explainer, face, seed=1)
    assert measured != measure_faithfulness(explainer, face, seed=2)


def test_any_class_can_be_measured(face: npt.NDArray[np.uint8]) -> None:
    measured = measure_faithfulness(MouthClassifier(face), face, emotion=Emotion.SAD)
    # Sad gains what happy loses.
    assert measured.by_map.deletion > 0
    assert measured.by_map.deletion < 1 / 6


def test_the_map_of_a_real_face_beats_chance(astronaut: npt.NDArray[np.uint8]) -> None:
    face = crop_square(to_gray(astronaut), Box(160, 50, 300, 190), SIZE_PX)
    explainer = ActivationExplainer.load("everyday")
    measured = [measure_faithfulness(explainer, face, seed=seed) for seed in range(3)]
    by_map = measured[0].by_map
    assert all(by_map.deletion < m.by_shuffled_map.deletion for m in measured)
    assert all(by_map.insertion > m.by_shuffled_map.insertion for m in measured)
    # Single pixels all over the face are noise, which does a harm of its own.
    by_noise = [m.by_random_pixels for m in measured]
    assert by_map.deletion < np.mean([order.deletion for order in by_noise])
    assert by_map.insertion > np.mean([order.insertion for order in by_noise])
