import pytest
import torch

from emolens.training.augment import FaceAugment, FaceMix
from emolens.training.recipe import AugmentSection

NOTHING = {
    "flip": 0.0,
    "rotation_deg": 0.0,
    "zoom": 0.0,
    "shift": 0.0,
    "shear_deg": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "erase": 0.0,
    "mix": 0.0,
}


def augment(faces: torch.Tensor, **changes: float) -> torch.Tensor:
    torch.manual_seed(0)
    spec = AugmentSection.model_validate({**NOTHING, **changes})
    changed: torch.Tensor = FaceAugment(spec)(faces)
    return changed


@pytest.fixture
def faces() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(64, 1, 48, 48)


def test_nothing_switched_on_changes_nothing(faces: torch.Tensor) -> None:
    torch.testing.assert_close(augment(faces), faces, atol=1e-5, rtol=0)


def test_a_certain_flip_is_the_mirror_image(faces: torch.Tensor) -> None:
    torch.testing.assert_close(augment(faces, flip=1), faces.flip(3), atol=1e-5, rtol=0)


def test_half_of_the_faces_are_flipped(faces: torch.Tensor) -> None:
    flipped = (augment(faces, flip=0.5) - faces).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 20 <= int(flipped.sum()) <= 44


@pytest.mark.parametrize("change", ["rotation_deg", "zoom", "shift", "shear_deg"])
def test_every_face_is_moved_in_its_own_way(change: str) -> None:
    one = torch.zeros(1, 1, 48, 48)
    one[:, :, 10:20, 30:40] = 1
    moved = augment(one.repeat(8, 1, 1, 1), **{change: 0.2 if change in {"zoom", "shift"} else 20})
    assert len({face.numpy().tobytes() for face in moved}) == 8


def test_rotation_keeps_lengths() -> None:
    bar = torch.zeros(32, 1, 48, 48)
    bar[:, :, 22:26, 10:38] = 1
    areas = augment(bar, rotation_deg=90).sum(dim=(1, 2, 3))
    torch.testing.assert_close(areas, torch.full((32,), 112.0), rtol=0.02, atol=0)


def test_shift_stays_within_its_limit() -> None:
    dot = torch.zeros(64, 1, 48, 48)
    dot[:, :, 24, 24] = 1
    columns = augment(dot, shift=0.1).sum(dim=2)[:, 0].argmax(dim=1)
    assert columns.min() >= 24 - 5
    assert columns.max() <= 24 + 5
    assert len(set(columns.tolist())) > 5


def test_light_and_erasing_stay_in_range(faces: torch.Tensor) -> None:
    changed = augment(faces, brightness=0.5, contrast=0.9, erase=1)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_erasing_fills_a_rectangle_of_limited_size() -> None:
    erased = augment(torch.full((256, 1, 48, 48), 2.0).clamp(0, 1), erase=1) != 1
    share = erased.float().mean(dim=(1, 2, 3))
    assert share.max() <= 0.21
    assert share.mean() > 0.03


def test_another_size_shows_the_same_face(faces: torch.Tensor) -> None:
    smooth = torch.nn.functional.avg_pool2d(faces, 9, 1, 4)
    spec = AugmentSection.model_validate(NOTHING)
    small = FaceAugment(spec)(smooth, 32)
    assert small.shape == (64, 1, 32, 32)
    expected = torch.nn.functional.interpolate(smooth, size=(32, 32), mode="bilinear")
    torch.testing.assert_close(small, expected, atol=1e-5, rtol=0)


def test_mixing_keeps_targets_distributions(faces: torch.Tensor) -> None:
    targets = torch.nn.functional.one_hot(torch.arange(64) % 7, 7).float()
    torch.manual_seed(0)
    mixed, mixed_targets = FaceMix(1.0)(faces, targets)
    assert mixed.shape == faces.shape
    torch.testing.assert_close(mixed_targets.sum(dim=1), torch.ones(64))
    assert (mixed_targets.max(dim=1).values < 1).any()


def test_further_columns_are_mixed_alike(faces: torch.Tensor) -> None:
    targets = torch.nn.functional.one_hot(torch.arange(64) % 7, 7).float()
    torch.manual_seed(0)
    _, mixed = FaceMix(1.0)(faces, torch.cat([targets, targets], dim=1))
    torch.testing.assert_close(mixed[:, :7], mixed[:, 7:])


def test_without_mixing_nothing_changes(faces: torch.Tensor) -> None:
    targets = torch.zeros(64, 7)
    same_faces, same_targets = FaceMix(0.0)(faces, targets)
    assert same_faces is faces
    assert same_targets is targets
