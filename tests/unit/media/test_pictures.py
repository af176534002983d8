from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import OutputError
from emolens.media.annotated import AnnotatedPictures
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


def test_annotated_pictures_of_the_same_name_get_numbers(tmp_path: Path) -> None:
    drawings = AnnotatedPictures(tmp_path / "out", [])
    sources = ["x/a.jpg", "y/a.jpg", "z/A.JPG", "a.gif", "a.png"]
    written = [drawings.write(source, PICTURE).name for source in sources]
    assert written == ["a.jpg", "a-2.jpg", "A-3.JPG", "a.png", "a-2.png"]


def test_beside_inputs_nothing_is_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    write_picture(source, PICTURE)
    (tmp_path / "b.png").write_bytes(b"kept")
    drawings = AnnotatedPictures(tmp_path, [str(source), f"{tmp_path}/b.bmp"])
    assert drawings.write(str(source), PICTURE + 1).name == "a-2.jpg"
    assert drawings.write(f"{tmp_path}/b.bmp", PICTURE).name == "b-2.png"
    assert (tmp_path / "b.png").read_bytes() == b"kept"


def test_results_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        drawings = AnnotatedPictures(tmp_path / "out", ["a.jpg"])
        assert drawings.write("a.jpg", PICTURE).name == "a.jpg"


def test_the_longest_names_still_fit(tmp_path: Path) -> None:
    drawings = AnnotatedPictures(tmp_path, [])
    long_name = chr(252) * 125 + ".png"
    names = [drawings.write(f"{folder}/{long_name}", PICTURE).name for folder in "xy"]
    assert len(set(names)) == 2


def test_a_pattern_for_all_depths_gives_every_picture_once(folder: Path) -> None:
    found = names(list(find_pictures([f"{folder}/**"])), folder)
    assert found == ["a.PNG", "b.jpg", "odd[1].jpg", "sub/c.webp"]
