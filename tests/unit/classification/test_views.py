import numpy as np
import numpy.typing as npt

from emolens.classification.views import ten_views


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
