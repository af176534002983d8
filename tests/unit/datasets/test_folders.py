from pathlib import Path

import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.folders import natural_key, visible_entries


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["Training_10.jpg", "Training_2.jpg", "a", "Training_010.jpg", "Training_1.jpg", "9a"]

    assert sorted(names, key=natural_key) == [
        "9a",
        "Training_1.jpg",
        "Training_2.jpg",
        "Training_010.jpg",
        "Training_10.jpg",
        "a",
    ]


def test_a_name_of_many_digits_or_none_sorts() -> None:
    names = ["1" * 250, "", "0", "2" * 249, "²"]

    assert sorted(names, key=natural_key) == ["", "0", "2" * 249, "1" * 250, "²"]


def test_hidden_and_system_entries_are_left_out(tmp_path: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", "a.jpg"):
        (tmp_path / name).touch()
    for name in (".ipynb_checkpoints", "__MACOSX", "happy"):
        (tmp_path / name).mkdir()

    assert [entry.name for entry in visible_entries(tmp_path)] == ["a.jpg", "happy"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone: cannot be listed: No such file"):
        visible_entries(tmp_path / "gone")
