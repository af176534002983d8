import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import InputError
from emolens.explanation import OcclusionExplainer, OcclusionMaps
from emolens.explanation.occlusion import N_COVERED, N_PLACES, covered_faces
from emolens.explanation.placement import even_centers
from emolens.pipeline.models import Models
from tests.unit.explanation.models import SIZE_PX, UNIFORM, brightness_model
from tests.unit.explanation.toy_classifiers import ConstantClassifier, SquareClassifier

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def face() -> Pixels:
    """Noise, so that blurring changes nearly every pixel."""
    return np.random.default_rng(3).integers(0, 256, (SIZE_PX, SIZE_PX)).astype(np.uint8)


@pytest.mark.parametrize("row", [4, 20, 36])
@pytest.mark.parametrize("column", [4, 20, 36])
def test_the_map_points_to_the_region_that_decides(face: Pixels, row: int, column: int) -> None:
    square = np.s_[row : row + 8, column : column + 8]
    (maps,) = OcclusionExplainer(SquareClassifier(face, square)).explain([face])
    heat = maps.heat_map(Emotion.HAPPY, SIZE_PX)
    weights = heat / heat.sum()
    middle = [float((weights.sum(axis=axis) * np.arange(SIZE_PX)).sum()) for axis in (1, 0)]
    assert heat[square].min() > 0.6
    # A patch is twice as wide as high.
    assert abs(middle[0] - row - 3.5) < 6
    assert abs(middle[1] - column - 3.5) < 11
    # Happy falls from 1 to 0 where the square is blurred, and the others gain.
    assert maps.peak(Emotion.HAPPY) == pytest.approx(1, abs=0.05)
    assert maps.peak(Emotion.SAD) == 0
    assert maps.maps[Emotion.SAD.index].min() == pytest.approx(-1 / 6, abs=0.01)


def test_a_drop_is_a_difference_of_two_predictions() -> None:
    model = Models(model="labels-small").classifier
    face = np.random.default_rng(0).integers(0, 256, (SIZE_PX, SIZE_PX)).astype(np.uint8)
    (maps,) = OcclusionExplainer(model).explain([face])
    whole, third = model.classify([face, covered_faces(face)[N_PLACES + 2]])
    np.testing.assert_allclose(
        maps.maps[:, 1, 2], whole.probabilities - third.probabilities, atol=1e-5
    )


def test_a_classifier_that_looks_nowhere_has_a_dark_map(face: Pixels) -> None:
    (maps,) = OcclusionExplainer(ConstantClassifier()).explain([face])
    assert not maps.heat_maps(SIZE_PX).any()
    assert [maps.peak(emotion) for emotion in Emotion] == [0] * 7


def test_each_place_is_blurred_alone(face: Pixels) -> None:
    covered = covered_faces(face)
    assert len(covered) == N_COVERED
    is_changed = np.array([one != face for one in covered])
    assert is_changed.any(axis=0).mean() > 0.95
    assert is_changed.mean(axis=(1, 2)).max() < 0.3
    assert is_changed[0, :4, :4].mean() > 0.9
    assert not is_changed[0, 24:].any()


def test_faces_are_explained_alike_alone_and_together_and_again(gray_faces: Pixels) -> None:
    crops = list(gray_faces[:3])
    explainer = OcclusionExplainer.load("labels-small")
    together, again = explainer.explain(crops), explainer.explain(crops)
    assert together == again
    for crop, maps in zip(crops, together, strict=True):
        (alone,) = explainer.explain([crop])
        np.testing.assert_allclose(alone.maps, maps.maps, atol=1e-5)
    assert explainer.explain([]) == []


@pytest.mark.parametrize("n_faces", [1, 4, 36, 37, 100])
def test_maps_in_parts_equal_maps_at_once(face: Pixels, n_faces: int) -> None:
    explainer = OcclusionExplainer(SquareClassifier(face, np.s_[30:40, 10:30]))
    task = explainer.begin(face)
    parts: list[OcclusionMaps | None] = []
    while not parts or parts[-1] is None:
        parts.append(task.advance(n_faces))
    assert len(parts) == -(-(1 + N_COVERED) // n_faces)
    assert parts[-1:] == explainer.explain([face])


def test_crops_of_any_size_and_colour_are_explained(rng: np.random.Generator) -> None:
    explainer = OcclusionExplainer.load("labels-small")
    crops = [rng.integers(0, 255, shape).astype(np.uint8) for shape in ((9, 30, 3), (200, 200))]
    shapes = [maps.maps.shape for maps in explainer.explain(crops)]
    assert shapes == [(7, N_PLACES, N_PLACES)] * 2
    with pytest.raises(InputError, match="face crop"):
        explainer.explain([np.zeros((0, 4), np.uint8)])


def test_a_model_without_activation_maps_has_occlusion_maps() -> None:
    from emolens.classification import OnnxEmotionClassifier

    explainer = OcclusionExplainer(OnnxEmotionClassifier(brightness_model(has_cam=False)))
    face = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    face[32:44, 4:16] = 255
    (maps,) = explainer.explain([face])
    # Blurring spreads the light over the whole face, and takes it from the place.
    assert maps.maps.shape == (7, N_PLACES, N_PLACES)
    assert np.isfinite(maps.maps).all()


def test_values_stand_at_the_centres_of_their_places() -> None:
    cells = np.zeros((7, N_PLACES, N_PLACES), np.float32)
    cells[Emotion.HAPPY.index, 4, 1] = 0.3
    maps = OcclusionMaps(cells, UNIFORM, even_centers(N_PLACES))
    resized = maps.evidence(5 * N_PLACES)[Emotion.HAPPY.index]
    assert resized[22, 7] == pytest.approx(0.3)
    assert resized.max() == pytest.approx(0.3)
    assert np.count_nonzero(resized) < 0.15 * resized.size
    with pytest.raises(InputError, match="size_px must be at least 1"):
        maps.evidence(0)


@pytest.mark.parametrize("name", ["everyday", "labels", "labels-small"])
def test_the_smile_of_the_sample_image_lies_in_the_lower_third(
    name: str, astronaut: Pixels
) -> None:
    models = Models(model=name)
    (face,) = models.image_analyzer().frame_faces(astronaut)
    (maps,) = models.explainer.explain([face.crop])
    assert maps.scores.top is Emotion.HAPPY
    upper, middle, lower = np.split(maps.heat_map(Emotion.HAPPY, SIZE_PX).sum(axis=1), 3)
    assert lower.sum() > upper.sum() + middle.sum()
