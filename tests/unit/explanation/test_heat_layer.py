from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import EmotionScores
from emolens.core.errors import InputError
from emolens.core.face import FaceResult
from emolens.core.frame import Frame
from emolens.core.geometry import Box, Framing
from emolens.explanation.activation import ActivationExplainer, ActivationMaps
from emolens.explanation.heat_layer import HeatLayer
from emolens.explanation.occlusion import N_COVERED, OcclusionExplainer
from emolens.pipeline.framed_face import cut_faces
from emolens.rendering.blur import FaceBlur
from tests.unit.explanation.models import brightness_model
from tests.unit.explanation.toy_classifiers import ConstantClassifier, SquareClassifier
from tests.unit.rendering.results import face, noise_frame, result

Pixels = npt.NDArray[np.uint8]
SAME = Framing(0, 0, 1)


class CountingExplainer(ActivationExplainer):
    """Keeps the crops that it was asked about."""

    def __init__(self) -> None:
        super().__init__(brightness_model())
        self.crops: list[Pixels] = []
        self.batches: list[int] = []

    def explain(self, crops: Sequence[Pixels]) -> list[ActivationMaps]:
        self.crops += crops
        self.batches.append(len(crops))
        return super().explain(crops)


@pytest.fixture
def explainer() -> CountingExplainer:
    return CountingExplainer()


def test_heat_lies_on_the_face_and_nowhere_else(explainer: CountingExplainer) -> None:
    frame = noise_frame()
    box = Box(100, 60, 180, 140)
    before = frame.image.copy()
    drawn = HeatLayer(explainer, SAME).apply(frame.image, result(frame, [face(box)]))
    is_changed = (drawn != frame.image).any(axis=2)
    assert is_changed[60:140, 100:180].mean() > 0.9
    is_changed[60:140, 100:180] = False
    assert not is_changed.any()
    np.testing.assert_array_equal(frame.image, before)


def test_the_model_sees_the_face_as_the_camera_saw_it(explainer: CountingExplainer) -> None:
    frame = noise_frame()
    found = result(frame, [face(Box(100, 60, 180, 140))])
    blurred = FaceBlur().apply(frame.image, found)
    drawn = HeatLayer(explainer, SAME).apply(blurred, found)
    unblurred = CountingExplainer()
    HeatLayer(unblurred, SAME).apply(frame.image, found)
    np.testing.assert_array_equal(explainer.crops[0], unblurred.crops[0])
    # And what is drawn on is the blurred one.
    outside_face = drawn[45:55, 100:180]
    np.testing.assert_array_equal(outside_face, blurred[45:55, 100:180])


def test_a_dark_face_is_explained_as_it_is_named(
    explainer: CountingExplainer, gray_faces: Pixels
) -> None:
    dark = np.repeat(np.tile(gray_faces[0] // 16, (4, 4))[..., np.newaxis], 3, axis=2)
    frame, box = Frame(dark), Box(0, 0, 48, 48)
    HeatLayer(explainer, SAME).apply(frame.image, result(frame, [face(box)]))
    size_px = explainer.input_spec.size_px
    (named,) = cut_faces(dark, [(box, None)], size_px=size_px)
    np.testing.assert_array_equal(explainer.crops[0], named.crop)
    assert np.ptp(explainer.crops[0]) > 100


def test_the_framing_says_what_the_model_sees(explainer: CountingExplainer) -> None:
    frame = noise_frame()
    layer = HeatLayer(explainer, Framing(0, 0, 1.5))
    drawn = layer.apply(frame.image, result(frame, [face(Box(100, 60, 180, 140))]))
    assert (drawn != frame.image).any(axis=2)[41:159, 81:199].mean() > 0.9


def test_maps_are_kept_for_a_moment_and_move_with_their_faces(
    explainer: CountingExplainer,
) -> None:
    frame, layer = noise_frame(), HeatLayer(explainer, SAME)
    for index in range(30):
        moved = Box(100 + index, 60, 180 + index, 140)
        drawn = layer.apply(frame.image, result(frame, [face(moved)], at_s=index / 30))
    assert 5 <= len(explainer.batches) <= 8
    assert (drawn != frame.image).any(axis=2)[60:140, 129:209].mean() > 0.9


def test_a_new_face_has_its_map_at_once(explainer: CountingExplainer) -> None:
    frame, layer = noise_frame(), HeatLayer(explainer, SAME)
    one, two = face(Box(20, 60, 80, 120)), face(Box(200, 60, 280, 140), track_id=2)
    layer.apply(frame.image, result(frame, [one], at_s=0.0))
    layer.apply(frame.image, result(frame, [two, one], at_s=0.03))
    assert explainer.batches == [1, 1]


def test_what_is_remembered_does_not_grow_and_ends_with_the_stream(
    explainer: CountingExplainer,
) -> None:
    frame, layer = noise_frame(64, 48), HeatLayer(explainer, SAME)
    for number in range(200):
        shown = face(Box(10, 10, 40, 40), track_id=number)
        layer.apply(frame.image, result(frame, [shown], at_s=number / 30))
    assert len(layer._heats) <= 16
    layer.apply(frame.image, result(frame, [], at_s=0.0))
    assert layer._heats == {}


def test_no_face_costs_nothing(explainer: CountingExplainer) -> None:
    frame = noise_frame()
    drawn = HeatLayer(explainer, SAME).apply(frame.image, result(frame))
    np.testing.assert_array_equal(drawn, frame.image)
    assert drawn is not frame.image
    assert explainer.batches == []


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 30, 40), Box(310, 200, 320, 240), Box(0, 0, 320, 240), Box(319, 0, 320, 1)],
)
def test_faces_at_the_edges(explainer: CountingExplainer, box: Box) -> None:
    frame = noise_frame()
    layer = HeatLayer(explainer, Framing(0.1, -0.2, 1.4))
    drawn = layer.apply(frame.image, result(frame, [face(box)]))
    assert drawn.shape == frame.image.shape


def test_a_face_that_abstains_shows_its_most_probable_class(explainer: CountingExplainer) -> None:
    frame = noise_frame()
    shown = face(Box(100, 60, 180, 140), label=None)
    drawn = HeatLayer(explainer, SAME).apply(frame.image, result(frame, [shown]))
    assert not np.array_equal(drawn, frame.image)


def test_it_needs_the_frame(explainer: CountingExplainer) -> None:
    frame = noise_frame()
    found = result(frame, [face(Box(100, 60, 180, 140))])
    image = frame.image
    del frame
    with pytest.raises(InputError, match="no longer in memory"):
        HeatLayer(explainer, SAME).apply(image, found)


def test_warming_up_runs_the_model(explainer: CountingExplainer) -> None:
    HeatLayer(explainer, SAME).warm_up()
    assert explainer.batches == [1]


def test_a_rolled_face_is_explained_upright_and_its_map_lies_on_it(
    explainer: CountingExplainer,
) -> None:
    image = np.full((240, 320, 3), 40, np.uint8)
    image[60:140, 140:180] = 220  # the half with the forehead: the face is rolled to the right
    frame = Frame(image)
    box = Box(100, 60, 180, 140)
    rolled = replace(face(box), roll_degrees=90.0)
    drawn = HeatLayer(explainer, SAME).apply(frame.image, result(frame, [rolled]))
    (crop,) = explainer.crops
    assert crop[1 : crop.shape[0] // 3, 1:-1].min() == 220
    assert crop[-(crop.shape[0] // 3) : -1, 1:-1].max() == 40
    # The map of this model follows brightness, so it glows where the light half lies.
    change = np.abs(drawn.astype(int) - image).sum(axis=2)
    assert change[60:140, 100:180].any()
    green = drawn[:, :, 1].astype(int) - drawn[:, :, 0]
    assert green[70:130, 150:175].mean() > green[70:130, 105:130].mean()


class CountingClassifier(SquareClassifier):
    """Keeps the numbers of the crops that it was asked about at once."""

    def __init__(self, crop: Pixels, square: tuple[slice, slice]) -> None:
        super().__init__(crop, square)
        self.batches: list[int] = []

    def classify(self, crops: Sequence[Pixels]) -> list[EmotionScores]:
        self.batches.append(len(crops))
        return super().classify(crops)


MOUTH = np.s_[32:44, 16:32]
BOX = Box(100, 60, 180, 140)


def crop_of(frame: Frame, shown: FaceResult) -> Pixels:
    """The crop of a face as the layer cuts it."""
    explainer = CountingExplainer()
    HeatLayer(explainer, SAME).apply(frame.image, result(frame, [shown]))
    return explainer.crops[0]


def lightness(drawn: Pixels) -> npt.NDArray[np.int64]:
    """How far each pixel is from violet to yellow."""
    return drawn[:, :, 1].astype(np.int64) - drawn[:, :, 0]


@pytest.mark.parametrize("roll_degrees", [0.0, 90.0, -90.0, 180.0])
def test_the_occlusion_map_of_a_turned_face_lies_on_its_mouth(roll_degrees: float) -> None:
    frame = noise_frame()
    shown = replace(face(BOX), roll_degrees=roll_degrees)
    classifier = SquareClassifier(crop_of(frame, shown), MOUTH)
    drawn = HeatLayer(OcclusionExplainer(classifier), SAME).apply(
        frame.image, result(frame, [shown])
    )
    light = lightness(drawn)
    sides = {
        0.0: light[115:140, 127:153],
        90.0: light[87:113, 100:125],
        -90.0: light[87:113, 155:180],
        180.0: light[60:85, 127:153],
    }
    means = {side: float(part.mean()) for side, part in sides.items()}
    assert max(means, key=lambda side: means[side]) == roll_degrees
    assert means[roll_degrees] > sorted(means.values())[-2] + 30


def test_a_live_stream_never_waits_for_a_whole_map() -> None:
    frame, shown = noise_frame(), face(BOX)
    classifier = CountingClassifier(crop_of(frame, shown), MOUTH)
    layer = HeatLayer(OcclusionExplainer(classifier), SAME, crops_per_frame=4)
    is_plain = [
        np.array_equal(
            layer.apply(frame.image, result(frame, [shown], at_s=index / 30)), frame.image
        )
        for index in range(40)
    ]
    n_frames = -(-(1 + N_COVERED) // 4)
    assert is_plain == [True] * (n_frames - 1) + [False] * (41 - n_frames)
    assert max(classifier.batches) <= 4
    # The map is as old as 0.3 s when the next one begins.
    assert 2 * (1 + N_COVERED) < sum(classifier.batches) <= 4 * (1 + N_COVERED)


def test_faces_of_a_live_stream_take_turns() -> None:
    frame = noise_frame()
    boxes = [Box(10 + 100 * index, 60, 90 + 100 * index, 140) for index in range(3)]
    faces = [face(box, track_id=index) for index, box in enumerate(boxes)]
    classifier = CountingClassifier(crop_of(frame, faces[0]), MOUTH)
    layer = HeatLayer(OcclusionExplainer(classifier), SAME, crops_per_frame=8)
    for index in range(30):
        drawn = layer.apply(frame.image, result(frame, faces, at_s=index / 30))
    assert max(classifier.batches) <= 8
    assert len(classifier.batches) <= 30
    is_changed = (drawn != frame.image).any(axis=2)
    assert all(
        is_changed[60:140, round(box.x_min) : round(box.x_max)].mean() > 0.9 for box in boxes
    )


def test_a_face_that_matters_nowhere_stays_dark() -> None:
    frame, shown = noise_frame(), face(BOX)
    nowhere = OcclusionExplainer(ConstantClassifier())
    drawn = HeatLayer(nowhere, SAME).apply(frame.image, result(frame, [shown]))
    mouth = SquareClassifier(crop_of(frame, shown), MOUTH)
    glowing = HeatLayer(OcclusionExplainer(mouth), SAME).apply(frame.image, result(frame, [shown]))
    assert np.quantile(lightness(drawn)[60:140, 100:180], 0.99) < 0
    assert np.quantile(lightness(glowing)[60:140, 100:180], 0.99) > 40
