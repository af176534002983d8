import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import InputError
from emolens.datasets.faces import FaceSet
from emolens.evaluation.predictions import Predictions, predict
from emolens.testing import FakeClassifier


def face_set(images: npt.NDArray[np.uint8], labels: list[int]) -> FaceSet:
    return FaceSet(images, np.array(labels, np.int64), tuple(str(i) for i in range(len(labels))))


def test_predictions_stay_with_their_labels_and_progress_is_told() -> None:
    # The fake classifier names brightness, so these 140 faces are all named by their own label.
    labels = [index % 7 for index in range(140)]
    images = np.stack([np.full((48, 48), 18 + 36 * label, np.uint8) for label in labels])
    told: list[int] = []
    predictions = predict(FakeClassifier(), face_set(images, labels), told.append)
    assert predictions.predicted.tolist() == labels
    assert told == [64, 128, 140]
    assert predictions.ids == tuple(map(str, range(140)))
    assert predictions.hits.all()


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(InputError, match="no faces"):
        predict(FakeClassifier(), face_set(np.empty((0, 48, 48), np.uint8), []))


def test_rows_keep_their_ids() -> None:
    whole = Predictions(np.eye(7), np.arange(7), tuple("abcdefg"))
    taken = whole.take(np.array([4, 1]))
    assert taken.ids == ("e", "b")
    assert taken.labels.tolist() == [4, 1]
    assert taken.confidence.tolist() == [1, 1]


def test_every_face_needs_an_id() -> None:
    with pytest.raises(InputError, match="got 2 ids for 7 labels"):
        Predictions(np.eye(7), np.arange(7), ("a", "b"))
