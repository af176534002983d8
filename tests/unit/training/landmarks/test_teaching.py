from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.training.landmarks import teaching
from emolens.training.landmarks.recipe import TeacherDetector
from emolens.training.landmarks.teaching import agree, teach

Pixels = npt.NDArray[np.uint8]
POINTS = np.array([[0.3, 0.4], [0.6, 0.4], [0.5, 0.5], [0.35, 0.7], [0.6, 0.7]], np.float32)
BOX = np.array([0.2, 0.1, 0.8, 0.9], np.float32)
VIEW = np.concatenate([BOX, POINTS.reshape(-1)])
MISSED = np.full(14, np.nan, np.float32)


class SpotDetector:
    """Takes the only bright spot of a canvas for a face around it, so that mirroring shows."""

    name = "spot"

    def __init__(self, score: float = 0.9) -> None:
        self.score = score

    def detect(self, image: Pixels) -> list[FaceDetection]:
        rows, columns = np.nonzero(image[..., 0] > 200)
        if not len(rows):
            return []
        x, y = columns.mean() + 0.5, rows.mean() + 0.5
        side = image.shape[0] / 3
        upright = np.array([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1]]) * side / 4
        box = Box.from_center((float(x), float(y)), side)
        points = (upright + np.array([x, y])).astype(np.float32)
        return [FaceDetection(box, self.score, points)]


def image(x: int, y: int) -> Pixels:
    dark = np.zeros((48, 48), np.uint8)
    dark[y - 3 : y + 3, x - 3 : x + 3] = 255
    return dark


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Puts a detector in place of the installed ones."""

    def put(detector: object) -> None:
        monkeypatch.setattr(teaching, "load_detector", lambda _name, *, long_side_px: detector)

    return put


def test_views_are_brought_back_to_the_image(install: Callable[[object], None]) -> None:
    install(SpotDetector())
    told: list[int] = []
    teachers = [TeacherDetector(detector="centerface", sides_px=(96, 128))]
    taught = teach([image(12, 30), image(30, 24)], teachers, told.append)
    assert taught.rows.tolist() == [0, 1]
    centers = (taught.boxes[:, :2] + taught.boxes[:, 2:]) / 2
    np.testing.assert_allclose(centers, [[12 / 48, 30 / 48], [30 / 48, 24 / 48]], atol=0.01)
    # The right eye of a mirrored face is the one at the left again.
    assert (taught.landmarks[:, 0, 0] < taught.landmarks[:, 1, 0]).all()
    np.testing.assert_allclose(taught.landmarks.mean(axis=1), centers, atol=0.01)
    assert told == [1, 2]


def test_images_without_a_face_are_left_out(install: Callable[[object], None]) -> None:
    install(SpotDetector())
    blank = np.zeros((48, 48), np.uint8)
    taught = teach([blank, image(24, 24)], [TeacherDetector(detector="centerface")])
    assert taught.rows.tolist() == [1]


def test_what_a_detector_is_unsure_of_is_not_learnt(install: Callable[[object], None]) -> None:
    install(SpotDetector(score=0.4))
    taught = teach([image(24, 24)], [TeacherDetector(detector="centerface")])
    assert len(taught.rows) == 0
    assert taught.landmarks.shape == (0, 5, 2)


def test_views_are_averaged() -> None:
    taught = agree(np.stack([VIEW, VIEW + 0.02])[None])
    np.testing.assert_allclose(taught.boxes, [BOX + 0.01], atol=1e-6)
    np.testing.assert_allclose(taught.landmarks, [POINTS + 0.01], atol=1e-6)


def test_a_view_that_saw_something_else_does_not_count() -> None:
    views = np.stack([VIEW, VIEW, VIEW, VIEW, VIEW, VIEW, VIEW, VIEW + 0.3])
    taught = agree(views[None])
    np.testing.assert_allclose(taught.landmarks, [POINTS], atol=1e-6)


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([VIEW, MISSED, MISSED], id="one of three sees a face"),
        pytest.param([VIEW, VIEW + 0.2, VIEW - 0.2], id="no two agree"),
    ],
)
def test_images_on_which_teachers_disagree_are_left_out(views: list[object]) -> None:
    assert len(agree(np.array([views], np.float32)).rows) == 0
