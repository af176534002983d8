import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolens.classification import OnnxEmotionClassifier
from emolens.core.emotion import Emotion
from emolens.core.errors import InputError, ModelError
from emolens.explanation import ActivationExplainer, ActivationMaps
from emolens.explanation.placement import even_centers
from tests.unit.explanation.models import SIZE_PX, UNIFORM, brightness_model

CENTERS = even_centers(3)
values = hnp.arrays(np.float32, (7, 3, 3), elements=st.floats(-50, 50, width=32))


@given(values)
def test_a_heat_map_is_0_to_1_with_its_maximum_at_1(maps: npt.NDArray[np.float32]) -> None:
    explained = ActivationMaps(maps, UNIFORM, CENTERS)
    for emotion in Emotion:
        heat = explained.heat_map(emotion, 20)
        assert heat.shape == (20, 20)
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() == (1 if (explained.evidence(20)[emotion.index] > 0).any() else 0)


@given(values)
def test_heat_maps_of_all_classes_are_on_one_scale(maps: npt.NDArray[np.float32]) -> None:
    explained = ActivationMaps(maps, UNIFORM, CENTERS)
    heats = explained.heat_maps(20)
    assert heats.max() in {0, 1}
    positive = np.maximum(explained.evidence(20), 0)
    np.testing.assert_allclose(heats * positive.max(), positive, atol=1e-3)


@given(values, st.floats(0.1, 100))
def test_a_positive_factor_changes_no_heat_map(
    maps: npt.NDArray[np.float32], factor: float
) -> None:
    # Values so small that rounding to 32 bits shows are no evidence to speak of.
    clear = np.where(np.abs(maps) < 1e-3, 0, maps)
    one = ActivationMaps(clear, UNIFORM, CENTERS).heat_map(Emotion.SAD, 12)
    scaled = np.asarray(clear * factor, np.float32)
    other = ActivationMaps(scaled, UNIFORM, CENTERS).heat_map(Emotion.SAD, 12)
    # What is left of opposite cells that cancel out in a pixel depends on rounding.
    largest = np.abs(clear[Emotion.SAD.index]).max()
    if (
        ActivationMaps(clear, UNIFORM, CENTERS).evidence(12)[Emotion.SAD.index].max()
        > 1e-3 * largest
    ):
        np.testing.assert_allclose(one, other, atol=1e-2)


def test_a_map_without_evidence_stays_zero() -> None:
    explained = ActivationMaps(np.full((7, 3, 3), -2, np.float32), UNIFORM, CENTERS)
    assert not explained.heat_map(Emotion.HAPPY, 48).any()
    assert not explained.heat_maps(48).any()


def test_maps_are_copied_and_read_only() -> None:
    given_maps = np.ones((7, 3, 3), np.float32)
    explained = ActivationMaps(given_maps, UNIFORM, CENTERS)
    given_maps[:] = 5
    assert (explained.maps == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        explained.maps[0, 0, 0] = 2


@pytest.mark.parametrize("shape", [(7, 3), (6, 3, 3), (7, 3, 4), (7, 2, 2)])
def test_maps_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"\(7, 3, 3\)"):
        ActivationMaps(np.zeros(shape, np.float32), UNIFORM, CENTERS)


def test_maps_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        ActivationMaps(np.full((7, 3, 3), np.nan, np.float32), UNIFORM, CENTERS)


def test_the_evidence_lies_where_the_face_is_bright() -> None:
    face = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    face[:16, 32:] = 255
    (explained,) = ActivationExplainer(brightness_model()).explain([face])
    heat = explained.heat_map(Emotion.HAPPY, SIZE_PX)
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert y < 16
    assert x >= 32
    assert heat[40, 8] < 0.01
    assert not explained.heat_map(Emotion.ANGRY, SIZE_PX).any()


def test_the_scores_are_the_classifier_s(gray_faces: npt.NDArray[np.uint8]) -> None:
    model = brightness_model(temperature=0.7)
    crops = list(gray_faces[:20])
    explainer = ActivationExplainer(model)
    expected = [scores.probabilities for scores in OnnxEmotionClassifier(model).classify(crops)]
    explained = [of_face.scores.probabilities for of_face in explainer.explain(crops)]
    np.testing.assert_array_equal(explained, expected)
    classified = [scores.probabilities for scores in explainer.classify(crops)]
    np.testing.assert_array_equal(classified, expected)
    assert explainer.input_spec == model.manifest.input


def test_no_crops_give_no_maps() -> None:
    assert ActivationExplainer(brightness_model()).explain([]) == []


def test_crops_of_any_size_and_colour_are_explained(rng: np.random.Generator) -> None:
    explainer = ActivationExplainer.load("labels-small")
    crops = [rng.integers(0, 255, shape).astype(np.uint8) for shape in ((9, 30, 3), (200, 200))]
    assert [of_face.maps.shape for of_face in explainer.explain(crops)] == [(7, 3, 3)] * 2


def test_the_mean_of_a_map_is_the_logit_but_for_a_constant(
    gray_faces: npt.NDArray[np.uint8],
) -> None:
    crops = list(gray_faces[:8])
    explained = ActivationExplainer.load("labels-small").explain(crops)
    (logits,) = OnnxEmotionClassifier.load("labels-small").run(crops, ("logits",))
    means = np.array([of_face.maps.mean(axis=(1, 2)) for of_face in explained])
    bias = logits - means
    np.testing.assert_allclose(bias, np.broadcast_to(bias[0], bias.shape), atol=1e-4)


def test_a_model_without_maps_is_refused_with_a_way_out() -> None:
    with pytest.raises(ModelError, match=r"dense layers.*\.ckpt"):
        ActivationExplainer(brightness_model(has_cam=False))
