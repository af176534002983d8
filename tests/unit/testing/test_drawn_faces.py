import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from emolens.core.emotion import Emotion
from emolens.core.errors import InputError
from emolens.testing import draw_face, drawn_faces

pytestmark = pytest.mark.slow


def test_a_seed_gives_the_same_faces_and_another_one_others() -> None:
    first, again, other = drawn_faces(14), drawn_faces(14), drawn_faces(14, seed=1)
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).mean() > 0.9
    assert first.class_counts.tolist() == [2] * 7
    assert drawn_faces(0).images.shape == (0, 48, 48)


def test_the_expression_can_be_learnt_from_the_drawing() -> None:
    faces = drawn_faces(700)
    pixels = faces.images.reshape(700, -1) / 255
    pixels -= pixels.mean(axis=1, keepdims=True)
    model = LogisticRegression(max_iter=200).fit(pixels[:560], faces.labels[:560])
    assert model.score(pixels[560:], faces.labels[560:]) > 0.6


def test_other_sizes() -> None:
    rng = np.random.default_rng(0)
    assert draw_face(Emotion.FEAR, rng, size_px=96).shape == (96, 96)
    with pytest.raises(InputError, match="size_px is 8; expected at least 16 px"):
        draw_face(Emotion.FEAR, rng, size_px=8)
