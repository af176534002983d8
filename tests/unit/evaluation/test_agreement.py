import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.datasets.votes import VOTE_NAMES
from emolens.evaluation.agreement import agreement_level, vote_agreement
from emolens.evaluation.predictions import Predictions


def votes(*rows: dict[str, int]) -> npt.NDArray[np.uint8]:
    return np.array([[row.get(name, 0) for name in VOTE_NAMES] for row in rows], np.uint8)


def predictions(labels: list[Emotion], named: list[Emotion]) -> Predictions:
    classes = np.array([label.index for label in labels], np.int64)
    return Predictions(np.eye(7)[[label.index for label in named]], classes)


def test_hand_computed_case() -> None:
    given = predictions(
        [Emotion.FEAR, Emotion.HAPPY, Emotion.SAD, Emotion.ANGRY],
        [Emotion.SURPRISE, Emotion.HAPPY, Emotion.NEUTRAL, Emotion.ANGRY],
    )
    found = vote_agreement(
        given,
        votes(
            {"surprise": 7, "fear": 3},
            {"happiness": 10},
            {"neutral": 5, "sadness": 5},  # nobody wins
            {"contempt": 6, "anger": 4},  # none of the seven wins
        ),
    )
    assert found.n_with_majority == 2
    assert found.with_majority == 1
    assert found.labels_with_majority == 0.5
    assert found.with_single_rater == pytest.approx((0.7 + 1 + 0.5 + 0.4) / 4)
    assert found.labels_with_single_rater == pytest.approx((0.3 + 1 + 0.5 + 0.4) / 4)
    of_pairs = [(7 * 6 + 3 * 2) / 90, 1, 2 * 5 * 4 / 90, 4 * 3 / 90]
    assert found.between_raters == pytest.approx(np.mean(of_pairs))


def test_without_a_single_vote_nothing_is_defined() -> None:
    found = vote_agreement(predictions([Emotion.SAD], [Emotion.SAD]), votes({}))
    assert found.n_with_majority == 0
    assert found.with_majority is None
    assert found.with_single_rater is None
    assert found.between_raters is None


def test_one_rater_agrees_with_nobody_else() -> None:
    found = vote_agreement(predictions([Emotion.SAD], [Emotion.SAD]), votes({"sadness": 1}))
    assert found.with_single_rater == 1
    assert found.between_raters is None


def test_levels_count_the_seven_classes_alone() -> None:
    levels = agreement_level(votes({"fear": 4, "contempt": 6}, {"sadness": 9, "unknown": 1}, {}))
    np.testing.assert_allclose(levels, [0.4, 0.9, np.nan])
