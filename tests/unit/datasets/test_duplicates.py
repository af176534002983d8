from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.errors import InputError
from emolens.datasets import duplicates
from emolens.datasets.duplicates import DuplicateGroups, find_duplicates, join_groups
from tests.drawings import cut_out, drawn_face, drawn_photograph

Image = npt.NDArray[np.uint8]


def groups_of(*images: Image) -> DuplicateGroups:
    return find_duplicates(np.stack(images))


def as_jpeg(image: Image, quality: int) -> Image:
    encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def toned(image: Image, contrast: float, brightness: float) -> Image:
    return np.asarray(np.clip(image.astype(np.float32) * contrast + brightness, 0, 255), np.uint8)


def test_identical_images_share_a_group_numbered_by_first_appearance() -> None:
    one, other, third = (drawn_face(seed) for seed in range(3))
    groups = groups_of(other, one, other, third, one)
    assert groups.exact.tolist() == groups.near.tolist() == [0, 1, 0, 2, 1]
    assert groups.exact.dtype == groups.near.dtype == np.int64


CHANGES: dict[str, Callable[[Image], Image]] = {
    "saved anew": lambda canvas: as_jpeg(cut_out(canvas), 60),
    "brighter": lambda canvas: toned(cut_out(canvas), 1, 40),
    "more contrast": lambda canvas: toned(cut_out(canvas), 1.5, -60),
    "moved right": lambda canvas: cut_out(canvas, left=18),
    "moved up": lambda canvas: cut_out(canvas, top=6),
    "closer": lambda canvas: cut_out(canvas, left=18, top=18, side=84),
    "farther": lambda canvas: cut_out(canvas, left=6, top=6, side=108),
    "mirrored": lambda canvas: np.ascontiguousarray(cut_out(canvas)[:, ::-1]),
    "mirrored and moved": lambda canvas: np.ascontiguousarray(cut_out(canvas, left=18)[:, ::-1]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("seed", range(4))
def test_the_same_photograph_is_a_near_copy(change: Callable[[Image], Image], seed: int) -> None:
    canvas = drawn_photograph(seed)
    groups = groups_of(cut_out(canvas), drawn_face(99), change(canvas))
    assert groups.exact.tolist() == [0, 1, 2]
    assert groups.near.tolist() == [0, 1, 0]


def test_different_images_are_no_copies() -> None:
    groups = groups_of(*(drawn_face(seed) for seed in range(60)))
    assert groups.near.tolist() == list(range(60))


def test_images_in_the_same_light_are_no_copies() -> None:
    """The coarse half of two images is the same, as of two faces lit from one side."""
    light = cv2.GaussianBlur(drawn_face(0), (0, 0), 8).astype(np.float32)
    lit = [
        np.clip(light + 0.35 * (drawn_face(seed).astype(np.float32) - 128), 0, 255).astype(np.uint8)
        for seed in range(1, 9)
    ]
    assert np.corrcoef([image.ravel() for image in lit]).min() > 0.2
    assert groups_of(*lit).near.tolist() == list(range(len(lit)))


def test_flat_images_are_copies_only_if_identical() -> None:
    random = np.random.default_rng(0)
    flat = [np.full((48, 48), value, np.uint8) for value in (0, 1, 128, 128)]
    noisy = [128 + random.integers(-3, 4, (48, 48)).astype(np.int64) for _ in range(2)]
    groups = groups_of(*flat, *(image.astype(np.uint8) for image in noisy))
    assert groups.exact.tolist() == groups.near.tolist() == [0, 1, 2, 2, 3, 4]


def test_copies_of_copies_are_copies() -> None:
    canvas = drawn_photograph(7)
    ends = [cut_out(canvas, left=0), cut_out(canvas, left=24)]
    assert groups_of(*ends).near.tolist() == [0, 1]
    steps = [cut_out(canvas, left=left) for left in (6, 12, 18)]
    assert groups_of(*ends, *steps).near.tolist() == [0] * 5


def test_near_copies_are_looked_for_where_they_are_sought() -> None:
    canvases = [drawn_photograph(seed) for seed in range(2)]
    images = np.stack([cut_out(canvas, left=left) for canvas in canvases for left in (9, 14)])
    assert find_duplicates(images).near.tolist() == [0, 0, 1, 1]
    for sought, expected in (
        ([True, False, False, False], [0, 0, 1, 2]),
        ([False, False, False, True], [0, 1, 2, 2]),
        ([False, True, True, False], [0, 0, 1, 1]),
        ([False, False, False, False], [0, 1, 2, 3]),
    ):
        assert find_duplicates(images, sought=np.array(sought)).near.tolist() == expected


@pytest.mark.parametrize("size", [1, 8, 30, 64, 100])
def test_images_of_any_side_are_compared(size: int) -> None:
    faces = [
        cv2.resize(drawn_face(seed), (size, size), interpolation=cv2.INTER_AREA)
        for seed in (0, 1, 0)
    ]
    groups = find_duplicates(np.asarray(faces, np.uint8).reshape(3, size, size))
    assert groups.exact[0] == groups.exact[2] == 0
    if size > 8:
        assert groups.near.tolist() == [0, 1, 0]


def test_no_images_have_no_groups() -> None:
    groups = find_duplicates(np.zeros((0, 48, 48), np.uint8))
    assert groups.exact.shape == groups.near.shape == (0,)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 48, 48), np.float32),
        np.zeros((48, 48), np.uint8),
        np.zeros((2, 48, 40), np.uint8),
    ],
)
def test_other_arrays_are_refused(images: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"images is .*; expected uint8 \(N, S, S\)"):
        find_duplicates(images)


def test_progress_rises_to_the_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_IMAGES_AT_ONCE", 4)
    seen: list[int] = []
    images = np.stack([drawn_face(seed % 9) for seed in range(12)])
    find_duplicates(images, on_progress=seen.append)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] == 12


def family(seed: int) -> list[Image]:
    """Copies of one photograph, each a step away from the one before."""
    canvas = drawn_photograph(seed)
    moved = [cut_out(canvas, left=left) for left in (6, 12, 18)]
    return [*moved, as_jpeg(moved[0], 50), np.ascontiguousarray(moved[2][:, ::-1])]


FAMILIES = [family(seed) for seed in range(4)]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_order_of_images_does_not_matter(data: st.DataObject) -> None:
    places = st.tuples(st.integers(0, 3), st.integers(0, 4))
    chosen = data.draw(st.lists(places, min_size=1, max_size=14))
    order = data.draw(st.permutations(range(len(chosen))))
    images = np.stack([FAMILIES[place][member] for place, member in chosen])

    groups, shuffled = find_duplicates(images), find_duplicates(images[order])

    for name in ("exact", "near"):
        numbers, moved = getattr(groups, name)[order], getattr(shuffled, name)
        same = numbers[:, None] == numbers[None]
        assert (same == (moved[:, None] == moved[None])).all()
    for numbers in (groups.exact, groups.near):
        firsts = [numbers.tolist().index(number) for number in range(numbers.max() + 1)]
        assert firsts == sorted(firsts)
    # Near groups are made of whole exact groups, and never of two families.
    assert len(set(zip(groups.exact, groups.near, strict=True))) == len(set(groups.exact))
    assert len({(near, place) for near, (place, _) in zip(groups.near, chosen, strict=True)}) == (
        len(set(groups.near))
    )


def test_groups_of_overlapping_parts_are_joined() -> None:
    def groups(exact: list[int], near: list[int]) -> DuplicateGroups:
        return DuplicateGroups(np.array(exact), np.array(near))

    parts = [
        (np.array([0, 2, 4]), groups([0, 1, 0], [0, 1, 0])),
        (np.array([1, 2, 3]), groups([0, 1, 2], [0, 1, 1])),
        (np.array([3, 4]), groups([0, 1], [0, 0])),
    ]
    joined = join_groups(parts, 6)
    assert joined.exact.tolist() == [0, 1, 2, 3, 0, 4]
    assert joined.near.tolist() == [0, 1, 0, 0, 0, 2]
    assert join_groups([], 0).near.tolist() == []
