import pytest
import torch

from emolens.training.landmarks.recipe import ViewsSection
from emolens.training.landmarks.views import (
    Closeups,
    FaceBatch,
    draw_closeups,
    plain_closeups,
)

SIDE = 64
# Right eye, left eye, nose, right and left mouth corner; each spot has a grey level of its own.
POINTS = torch.tensor([[0.36, 0.4], [0.64, 0.4], [0.5, 0.54], [0.4, 0.7], [0.6, 0.7]])
LEVELS = (255.0, 215.0, 175.0, 135.0, 95.0)
BOX = torch.tensor([0.2, 0.15, 0.8, 0.85])


@pytest.fixture
def batch() -> FaceBatch:
    """64 images of five spots where the landmarks are."""
    image = torch.zeros(SIDE, SIDE)
    place = torch.arange(SIDE) + 0.5
    for point, level in zip(POINTS, LEVELS, strict=True):
        x, y = SIDE * point
        spot = ((place - x).abs() < 2) & ((place[:, None] - y).abs() < 2)
        image[spot] = level
    return FaceBatch(
        image.to(torch.uint8).expand(64, 1, SIDE, SIDE).clone(),
        POINTS.expand(64, 5, 2).clone(),
        BOX.expand(64, 4).clone(),
    )


def levels_at_landmarks(views: Closeups) -> torch.Tensor:
    """The grey level of each close-up at each of its landmarks: float32 (N, 5)."""
    positions = 2 * views.truth.landmarks[:, None]
    return torch.nn.functional.grid_sample(views.pixels, positions, align_corners=False)[:, 0, 0]


@pytest.mark.parametrize("any_roll", [0.0, 1.0])
def test_landmarks_stay_on_what_they_mark(batch: FaceBatch, any_roll: float) -> None:
    torch.manual_seed(0)
    views = plain_closeups(batch, ViewsSection(any_roll=any_roll, scale=1.8, shift=0.1), SIDE)
    levels = levels_at_landmarks(views)
    eyes = levels[:, :2].sort(dim=1, descending=True).values
    torch.testing.assert_close(eyes, torch.tensor(LEVELS[:2]).expand(64, 2), atol=25, rtol=0)
    torch.testing.assert_close(levels[:, 2], torch.full((64,), LEVELS[2]), atol=25, rtol=0)
    # In a mirror image the subject's right eye is the one that was the left one.
    is_mirrored = levels[:, 0] < levels[:, 1]
    assert 10 < int(is_mirrored.sum()) < 54
    right_mouth = torch.where(is_mirrored, LEVELS[4], LEVELS[3])
    torch.testing.assert_close(levels[:, 3], right_mouth, atol=25, rtol=0)


def test_the_right_eye_is_at_the_left_of_every_upright_face(batch: FaceBatch) -> None:
    torch.manual_seed(0)
    truth = plain_closeups(batch, ViewsSection(any_roll=0, small_roll_deg=5), SIDE).truth
    assert (truth.landmarks[:, 0, 0] < truth.landmarks[:, 1, 0]).all()


def test_boxes_are_in_sides_of_the_close_up(batch: FaceBatch) -> None:
    torch.manual_seed(0)
    still = ViewsSection(scale=1.4, scale_change=0, shift=0, any_roll=0, small_roll_deg=0)
    boxes = plain_closeups(batch, still, SIDE).truth.boxes
    expected = torch.tensor([0.0, 0.0, 0.6 / (1.4 * 0.7), 1 / 1.4]).expand(64, 4)
    torch.testing.assert_close(boxes, expected)


def test_close_ups_vary_within_their_limits(batch: FaceBatch) -> None:
    torch.manual_seed(0)
    spec = ViewsSection(scale=1.3, scale_change=0.3, shift=0.2)
    boxes = plain_closeups(batch, spec, SIDE).truth.boxes
    sides = 1 / boxes[:, 3]
    assert 1.3 / 1.3 <= float(sides.min()) < 1.1
    assert 1.5 < float(sides.max()) <= 1.3 * 1.3
    # Turned or not, the middle of the box is at most sqrt(2) * 0.2 sides of the box away.
    distances = boxes[:, :2].norm(dim=1) * sides
    assert 0.15 < float(distances.max()) <= 2**0.5 * 0.2 + 1e-5


def test_a_part_shows_no_face(batch: FaceBatch) -> None:
    torch.manual_seed(0)
    white = torch.full((3, 1, SIDE, SIDE), 200, dtype=torch.uint8)
    views = draw_closeups(batch, white, ViewsSection(negatives=0.5), SIDE)
    assert views.truth.faces.tolist() == [0.0] * 32 + [1.0] * 32
    assert views.pixels.shape == (64, 1, SIDE, SIDE)
    assert torch.equal(views.pixels, views.pixels.round())
    assert 0 <= float(views.pixels.min()) < float(views.pixels.max()) <= 255


def test_draws_follow_from_the_seed(batch: FaceBatch) -> None:
    backgrounds = batch.images[:2]
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(draw_closeups(batch, backgrounds, ViewsSection(), SIDE).pixels)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_the_images_stay_as_they_are(batch: FaceBatch) -> None:
    before = batch.images.clone()
    draw_closeups(batch, batch.images[:2], ViewsSection(), SIDE)
    assert torch.equal(batch.images, before)
