from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import OutputError
from emolens.media.pictures import encode_picture, find_pictures, write_picture

PICTURE = np.full((4, 6, 3), 100, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "sub/c.webp", "odd[1].jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(found: list[str], folder: Path) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in found]


def test_a_folder_gives_its_pictures_in_order(folder: Path) -> None:
    found = names(list(find_pictures([str(folder)])), folder)
    assert found == ["a.PNG", "b.jpg", "odd[1].jpg", "sub/c.webp"]


def test_a_pattern_gives_what_matches_in_order(folder: Path) -> None:
    assert names(list(find_pictures([f"{folder}/*.jpg"])), folder) == ["b.jpg", "odd[1].jpg"]
    assert names(list(find_pictures([f"{folder}/**/*.webp"])), folder) == ["sub/c.webp"]


def test_a_file_named_like_a_pattern_is_that_file(folder: Path) -> None:
    path = f"{folder}/odd[1].jpg"
    assert list(find_pictures([path])) == [path]


def test_what_is_not_found_comes_back_as_given(folder: Path) -> None:
    (folder / "empty").mkdir()
    missing = [f"{folder}/none.jpg", f"{folder}/*.gif", f"{folder}/empty"]
    assert list(find_pictures(missing)) == missing


def test_arguments_keep_their_order_and_spelling(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert list(find_pictures(["./b.jpg", "sub/", "a.PNG"])) == ["./b.jpg", "sub/c.webp", "a.PNG"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_pictures_are_encoded_by_suffix(suffix: str) -> None:
    encoded = np.frombuffer(encode_picture(PICTURE, suffix), np.uint8)
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.abs(decoded.astype(int) - PICTURE).max() <= 1


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"allowed: .jpg, .png"):
        write_picture(tmp_path / "a.webp", PICTURE)


def test_a_pattern_for_all_depths_gives_every_picture_once(folder: Path) -> None:
    found = names(list(find_pictures([f"{folder}/**"])), folder)
    assert found == ["a.PNG", "b.jpg", "odd[1].jpg", "sub/c.webp"]
