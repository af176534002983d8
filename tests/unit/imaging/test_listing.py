import os
from pathlib import Path

import pytest

from emolens.core.errors import InputNotFoundError
from emolens.imaging.kinds import READABLE, UNREADABLE
from emolens.imaging.listing import (
    LeftOut,
    counts_as_image,
    first_bytes,
    is_broken_link,
    is_hidden,
    no_images,
)
from tests.unit.imaging.images import sample_files


@pytest.mark.parametrize("kind", [*READABLE, *UNREADABLE], ids=lambda kind: kind.name)
def test_all_known_suffixes_count_in_any_case(tmp_path: Path, kind: object) -> None:
    for suffix in kind.suffixes:  # type: ignore[attr-defined]
        for name in (f"a{suffix}", f"B{suffix.upper()}"):
            (tmp_path / name).touch()
            assert counts_as_image(tmp_path / name)


@pytest.mark.parametrize("name", sample_files())
def test_an_image_with_an_unknown_name_counts(tmp_path: Path, name: str) -> None:
    for file_name in ("image", "image.jpg_large", "image.dat"):
        (tmp_path / file_name).write_bytes(sample_files()[name])
        assert counts_as_image(tmp_path / file_name)


@pytest.mark.parametrize("content", [b"", b"words", b"%PDF-1.7", b"{}", b"<x:xmpmeta/>"])
def test_other_files_do_not_count(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xmp").write_bytes(content)
    assert not counts_as_image(tmp_path / "a.xmp")


def test_a_link_counts_by_its_name_its_target_and_where_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words")
    (tmp_path / "to words").symlink_to("words.txt")
    (tmp_path / "gone").symlink_to("nothing")
    (tmp_path / "itself").symlink_to("itself")
    assert not counts_as_image(tmp_path / "to words")
    assert [is_broken_link(tmp_path / name) for name in ("to words", "gone", "itself")] == [
        False,
        True,
        True,
    ]
    assert counts_as_image(tmp_path / "gone")


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert first_bytes(tmp_path / "pipe") == b""
    assert not counts_as_image(tmp_path / "pipe")


@pytest.mark.parametrize("name", [".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini", "__MACOSX"])
def test_hidden_names(name: str) -> None:
    assert is_hidden(name)
    assert not is_hidden(f"a{name}")


def test_what_is_left_out_is_counted_once_and_told_in_one_sentence() -> None:
    left_out = LeftOut()
    assert left_out.warning is None
    for path in ("a/b.xmp", "a/b.xmp", "c.XMP", ".DS_Store", "readme", "d.txt"):
        left_out.add(path)
    assert left_out.warning == (
        "left out 5 other files: 2 .xmp, 1 hidden, 1 without a suffix, 1 .txt"
    )


def test_a_long_list_of_suffixes_is_cut() -> None:
    left_out = LeftOut()
    for number in range(9):
        left_out.add(f"a.x{number}")
    left_out.add("odd.a name with\na line break")
    assert left_out.warning is not None
    assert left_out.warning.endswith("1 .x4, 5 others")
    assert "\n" not in left_out.warning


def test_why_a_folder_has_no_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is a folder without images" in str(no_images(tmp_path))

    def refuse(_path: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    error = no_images(tmp_path)
    assert isinstance(error, InputNotFoundError)
    assert "cannot be opened: Permission denied. Change its permissions." in str(error)
