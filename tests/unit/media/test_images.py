import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import OutputError
from emolens.imaging.listing import LeftOut
from emolens.media.images import (
    common_folder,
    each_image_once,
    encode_image,
    find_images,
    list_images,
    write_image,
)

IMAGE = np.full((4, 6, 3), 100, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "warnings.txt", ".hidden.jpg", "sub/c.webp", "odd[1].jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(found: list[str], folder: Path) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in found]


def test_a_folder_gives_its_images_in_order(folder: Path) -> None:
    found = names(list(find_images([str(folder)])), folder)
    assert found == ["a.PNG", "b.jpg", "odd[1].jpg", "sub/c.webp"]


def test_a_pattern_gives_what_matches_in_order(folder: Path) -> None:
    assert names(list(find_images([f"{folder}/*.jpg"])), folder) == ["b.jpg", "odd[1].jpg"]
    assert names(list(find_images([f"{folder}/**/*.webp"])), folder) == ["sub/c.webp"]


def test_a_file_named_like_a_pattern_is_that_file(folder: Path) -> None:
    path = f"{folder}/odd[1].jpg"
    assert list(find_images([path])) == [path]


def test_what_is_not_found_comes_back_as_given(folder: Path) -> None:
    (folder / "empty").mkdir()
    missing = [f"{folder}/none.jpg", f"{folder}/*.gif", f"{folder}/empty"]
    assert list(find_images(missing)) == missing


def test_arguments_keep_their_order_and_spelling(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert list(find_images(["./b.jpg", "sub/", "a.PNG"])) == ["./b.jpg", "sub/c.webp", "a.PNG"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_images_are_encoded_by_suffix(suffix: str) -> None:
    encoded = np.frombuffer(encode_image(IMAGE, suffix), np.uint8)
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.abs(decoded.astype(int) - IMAGE).max() <= 1


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"allowed: .jpg, .png"):
        write_image(tmp_path / "a.webp", IMAGE)


def test_a_pattern_for_all_depths_gives_every_image_once(folder: Path) -> None:
    found = names(list(find_images([f"{folder}/**"])), folder)
    assert found == ["a.PNG", "b.jpg", "odd[1].jpg", "sub/c.webp"]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_every_known_kind_counts_and_the_rest_is_told_in_one_warning(tmp_path: Path) -> None:
    known = ["a.HEIC", "b.avif", "c.jp2", "d.ppm", "e.CR2", "f.jfif", "g.mov", "h.psd", "i.TIF"]
    touch(tmp_path, *known, "readme.txt", ".DS_Store", "Thumbs.db", "a.xmp", ".git/x.png")
    left_out = LeftOut()
    assert names(list(find_images([str(tmp_path)], left_out)), tmp_path) == known
    assert left_out.warning == "left out 5 other files: 3 hidden, 1 .xmp, 1 .txt"


def test_an_image_behind_another_suffix_or_none_is_found(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    for name in ("no suffix", "b.jpg_large"):
        write_image(tmp_path / "b.png", IMAGE)
        (tmp_path / "b.png").rename(tmp_path / name)
    assert names(list(find_images([str(tmp_path)])), tmp_path) == [
        "a.jpg",
        "b.jpg_large",
        "no suffix",
    ]


def test_a_folder_named_like_an_image_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "x.jpg/y.png", "x.jpg/z.jpg/w.png")
    found = names(list(find_images([str(tmp_path)])), tmp_path)
    assert found == ["x.jpg/y.png", "x.jpg/z.jpg/w.png"]
    found = names(list(find_images([f"{tmp_path}/*.jpg"])), tmp_path)
    assert found == ["x.jpg/y.png", "x.jpg/z.jpg/w.png"]


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Two folders with every kind of link between them."""
    root, away = tmp_path / "root", tmp_path / "away"
    touch(root, "own/1.png")
    touch(away, "2.png", "deep/3.png")
    (root / "a link").symlink_to(away)
    (root / "own/same again").symlink_to(away)
    (root / "own/parent").symlink_to("..")
    (root / "own/here").symlink_to(".")
    (away / "deep/back").symlink_to(root)
    (root / "a twin of own").symlink_to("own")
    (root / "file.png").symlink_to(away / "2.png")
    return root


@pytest.mark.parametrize("pattern", ["{}", "{}/", "{}/**", "{}/**/*.png", "{}/*"])
def test_links_are_followed_and_every_folder_is_visited_once(linked: Path, pattern: str) -> None:
    found = names(list(find_images([pattern.format(linked)])), linked)
    assert found == ["a link/2.png", "a link/deep/3.png", "file.png", "own/1.png"]


def test_a_link_may_be_named_itself(linked: Path) -> None:
    found = names(list(find_images([str(linked / "own/parent")])), linked / "own/parent")
    assert "own/1.png" in found
    assert len(found) == 4


def test_many_loops_take_no_time(tmp_path: Path) -> None:
    # glob goes 40 links deep into every combination of them, which would never end.
    touch(tmp_path, "a.png", *(f"{number}/b.png" for number in range(8)))
    for number in range(8):
        for other in range(8):
            (tmp_path / f"{number}/to {other}").symlink_to(tmp_path / str(other))
    for pattern in (str(tmp_path), f"{tmp_path}/**/*.png", f"{tmp_path}/**/**/*.png"):
        assert len(list(find_images([pattern]))) == 9


def test_links_to_nothing_are_given_to_be_reported(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / ".#hidden").symlink_to("nowhere")
    found = names(list(find_images([str(tmp_path)])), tmp_path)
    assert found == ["a.png", "gone", "gone.jpg", "itself"]


def test_a_folder_that_cannot_be_opened_is_given_to_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.png", "locked/b.png")
    listed = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert names(list(find_images([str(tmp_path)])), tmp_path) == ["a.png", "locked"]


def test_names_of_any_bytes_are_found(tmp_path: Path) -> None:
    wanted = sorted(["new\nline.png", "caf\udce9.png", "sub\udce9/[x].png", "-dash.png"])
    touch(tmp_path, *wanted)
    for pattern in (str(tmp_path), f"{tmp_path}/**", f"{tmp_path}/**/*.png"):
        assert sorted(names(list(find_images([pattern])), tmp_path)) == wanted


def test_a_pattern_for_any_depth_keeps_its_spelling(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert list(find_images(["**"])) == ["a.PNG", "b.jpg", "odd[1].jpg", "sub/c.webp"]
    assert list(find_images(["./**/*.webp"])) == ["./sub/c.webp"]
    assert list(find_images(["s*/**"])) == ["sub/c.webp"]


def test_files_that_a_pattern_names_alone_are_taken_whatever_they_are(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.txt", "c.png")
    left_out = LeftOut()
    assert names(list(find_images([f"{tmp_path}/*.txt"], left_out)), tmp_path) == [
        "a.txt",
        "b.txt",
    ]
    assert left_out.warning is None
    assert names(list(find_images([f"{tmp_path}/*"], left_out)), tmp_path) == ["c.png"]
    assert left_out.warning == "left out 2 other files: 2 .txt"


@pytest.mark.slow
def test_thousands_of_files_take_little_time(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number}.{'jpg' if number % 2 else 'txt'}").touch()
    began_s = time.monotonic()
    assert len(list(find_images([str(tmp_path)]))) == 1500
    assert time.monotonic() - began_s < 10


def test_a_file_counts_once_whatever_its_path(
    linked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(linked)
    given = ["own/1.png", "./own/1.png", "own/parent/own/1.png", "a twin of own/1.png", "own", "."]
    kept, n_repeated = each_image_once(find_images(given))
    assert kept[0] == "own/1.png"
    # "own" lists what is behind its links, too.
    assert sorted(Path(path).name for path in kept) == ["1.png", "2.png", "3.png", "file.png"]
    assert n_repeated == len(list(find_images(given))) - 4 == 8


def test_standard_input_is_not_the_file_of_that_name() -> None:
    assert each_image_once(["-", "./-", "-"]) == (["-", "./-"], 1)


def test_overlapping_patterns_and_missing_files_count_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    given = ["*.jpg", "b.*", "none.jpg", "./none.jpg", "sub", "sub/"]
    kept, n_repeated = each_image_once(find_images(given))
    assert kept == ["b.jpg", "odd[1].jpg", "none.jpg", "sub/c.webp"]
    assert n_repeated == 3
    assert list_images(given) == (kept, ["left out 3 images given twice; each one is used once"])


def test_results_of_an_earlier_run_are_no_inputs(tmp_path: Path) -> None:
    for name in ("a.png", "drawn/a.png", "drawn/sub/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    out = tmp_path / "drawn"
    warning = f"left out 2 images in the output folder {out}"
    assert list_images([str(tmp_path)], out=out) == ([str(tmp_path / "a.png")], [warning])
    # Asked for by name, they are inputs.
    assert len(list_images([str(out)], out=out)[0]) == 2
    assert len(list_images([str(tmp_path)], out=tmp_path / "other")[0]) == 3


def test_the_common_folder_is_above_all_arguments(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for given, expected in (
        (["b.jpg"], "."),
        (["sub"], "sub"),
        (["sub/"], "sub"),
        (["sub/c.webp"], "sub"),
        (["b.jpg", "sub/c.webp"], "."),
        (["sub/*.webp"], "sub"),
        (["su*/**/*.webp", "sub/x.png"], "."),
        (["**"], "."),
        (["odd[1].jpg"], "."),
        (["../x/y.jpg", "sub"], ".."),
    ):
        assert common_folder(given) == (folder / expected).resolve(), given
    assert common_folder([]) is None
