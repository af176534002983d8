import pytest

from emolens.core.errors import ConfigError
from emolens.core.geometry import Box
from emolens.detection import build_detector
from emolens.testing import collins, crossing_clip, crowd_clip, hopper


@pytest.mark.parametrize("who", [collins, hopper])
def test_a_face_is_where_the_actor_says(who: type) -> None:
    actor = who(lambda _t: (320.0, 240.0, 300.0))
    clip = crossing_clip()  # only for its size
    image = type(clip)([actor], size_wh=(640, 480)).draw(0.0)
    (found,) = build_detector().detect(image)
    assert found.box.iou(actor.face_at(0.0)) > 0.8


def test_two_people_pass_each_other() -> None:
    clip = crossing_clip(duration_s=4)
    first, second = zip(*(clip.faces_at(t) for t in (0.0, 2.0, 4.0)), strict=True)
    x_of = [[box.center_xy[0] for box in boxes if box] for boxes in (first, second)]
    assert x_of[0] == sorted(x_of[0])
    assert x_of[1] == sorted(x_of[1], reverse=True)
    assert x_of[0][0] < x_of[1][0]
    assert x_of[0][2] > x_of[1][2]
    middle = clip.faces_at(2.0)
    assert middle[0] is not None
    assert middle[1] is not None
    assert middle[0].iou(middle[1]) > 0.2


@pytest.mark.parametrize("n_faces", [0, 1, 2, 5, 8, 64])
@pytest.mark.parametrize("size_wh", [(640, 480), (200, 600)])
def test_a_crowd_stands_apart_and_inside(n_faces: int, size_wh: tuple[int, int]) -> None:
    clip = crowd_clip(n_faces, size_wh=size_wh)
    boxes = [box for box in clip.faces_at(0.7) if box]
    assert len(boxes) == n_faces
    for number, box in enumerate(boxes):
        assert box == box.clip(size_wh)
        assert all(box.iou(other) == 0 for other in boxes[number + 1 :])


def test_every_face_of_a_small_crowd_is_found() -> None:
    clip = crowd_clip(4)
    found = build_detector().detect(clip.draw(0.0))
    assert len(found) == 4
    for truth in clip.faces_at(0.0):
        assert isinstance(truth, Box)
        assert max(truth.iou(face.box) for face in found) > 0.7


@pytest.mark.parametrize("n_faces", [-1, 65])
def test_a_crowd_has_limits(n_faces: int) -> None:
    with pytest.raises(ConfigError, match="0 to 64"):
        crowd_clip(n_faces)
