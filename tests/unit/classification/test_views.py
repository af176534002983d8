import numpy as np
import numpy.typing as npt

from emolens.classification.views import TenViewClassifier, ten_views
from emolens.testing import FakeClassifier


def test_ten_views_are_five_positions_and_their_mirror_images(
    gray_faces: npt.NDArray[np.uint8],
) -> None:
    face = gray_faces[0]
    views = ten_views(face)
    assert len(views) == 10
    np.testing.assert_array_equal(views[0], face)
    for view, mirrored in zip(views[:5], views[5:], strict=True):
        np.testing.assert_array_equal(view[:, ::-1], mirrored)


def test_corner_views_are_shifted_by_two_pixels_of_48(gray_faces: npt.NDArray[np.uint8]) -> None:
    face = gray_faces[0]
    up_left = ten_views(face)[1]
    np.testing.assert_array_equal(up_left[:-2, :-2], face[2:, 2:])


def test_every_face_gets_the_mean_of_its_own_views(gray_faces: npt.NDArray[np.uint8]) -> None:
    # The fake classifier names brightness.
    faces = [np.full((48, 48), 18 + 36 * index, np.uint8) for index in range(7)]
    scores = TenViewClassifier(FakeClassifier()).classify([*faces, gray_faces[0]])
    assert [score.top.index for score in scores[:7]] == list(range(7))
    of_views = FakeClassifier().classify(ten_views(gray_faces[0]))
    expected = np.mean([score.probabilities for score in of_views], axis=0)
    np.testing.assert_allclose(scores[7].probabilities, expected, atol=1e-6)
    assert TenViewClassifier(FakeClassifier()).classify([]) == []
