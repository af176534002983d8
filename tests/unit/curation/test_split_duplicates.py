import numpy as np
import numpy.typing as npt
import pytest

from emolens.curation.split_duplicates import find_split_duplicates
from emolens.datasets.duplicates import find_duplicates
from emolens.datasets.faces import FaceSet
from emolens.evaluation.leaks import find_leaks
from tests.drawings import cut_out, drawn_face, drawn_photograph

NAMES = ["train", "validation", "test"]


def images_of(*squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.stack(squares)


def test_a_third_split_connects_no_two_others() -> None:
    canvas = drawn_photograph(7)
    # Neighbours are near-duplicates, the two ends are not.
    images = images_of(*(cut_out(canvas, left=left) for left in (0, 6, 12, 18, 24)))
    splits = np.array(["train", "test", "test", "test", "validation"])
    found = find_split_duplicates(images, splits, NAMES)
    assert found.groups.near.tolist() == [0] * 5
    assert found.leaks["test", "train"].tolist() == [False, True, True, True, False]
    assert found.leaks["test", "validation"].tolist() == [False, True, True, True, False]
    assert not found.leaks["validation", "train"].any()


def test_the_leaks_are_those_of_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    # A doubtful pair: only one of its two directions aligns.
    def is_same(
        first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], _guess: object
    ) -> bool:
        return int(first.sum()) < int(second.sum())

    monkeypatch.setattr("emolens.datasets.duplicates.is_same_photograph", is_same)
    canvases = [drawn_photograph(seed) for seed in range(12)]
    images = images_of(*(cut_out(canvas, left=left) for canvas in canvases for left in (9, 14)))
    splits = np.array(["train", "validation"] * 12)
    faces = FaceSet(images, np.zeros(24, np.int64), tuple(map(str, range(24))))
    held_out, training = (
        faces.take(np.flatnonzero(splits == name)) for name in ("validation", "train")
    )
    expected = find_leaks(held_out, training).near
    assert expected is not None
    assert 0 < expected.sum() < 12
    leaks = find_split_duplicates(images, splits, NAMES[:2]).leaks["validation", "train"]
    assert leaks[splits == "validation"].tolist() == expected.tolist()


def test_groups_are_those_of_all_images() -> None:
    images = images_of(
        drawn_face(0), drawn_face(1), drawn_face(0), cut_out(drawn_photograph(1), left=17)
    )
    for splits in (["train"] * 4, ["train", "test", "train", "train"], ["test", "train"] * 2):
        names = [name for name in NAMES if name in splits]
        groups = find_split_duplicates(images, np.array(splits), names).groups
        assert groups.near.tolist() == find_duplicates(images).near.tolist() == [0, 1, 0, 1]
        assert groups.exact.tolist() == [0, 1, 0, 2]


def test_progress_covers_all_parts_once() -> None:
    seen: list[int] = []
    images = images_of(*(drawn_face(seed) for seed in range(8)))
    splits = np.array(["train"] * 4 + ["validation"] * 3 + ["test"])
    find_split_duplicates(images, splits, NAMES, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 8


def test_no_image_has_no_group() -> None:
    found = find_split_duplicates(np.zeros((0, 48, 48), np.uint8), np.zeros(0, np.str_), [])
    assert (len(found.groups.near), found.leaks) == (0, {})
