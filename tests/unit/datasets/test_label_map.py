from pathlib import Path

import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.label_map import LabelMap, read_label_map

MAP = """\
[classes]
"1" = "surprise"
joy = "happy"
Joy = "sad"
contempt = "leave out"

[splits]   # optional
fold1 = "Training"
fold2 = "val"
"""


def read(folder: Path, content: str | bytes) -> LabelMap:
    encoded = content.encode() if isinstance(content, str) else content
    (folder / "label_map.toml").write_bytes(encoded)
    return read_label_map(folder)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(MAP, id="as documented"),
        pytest.param(MAP.replace("\n", "\r\n") + "\r\n\r\n", id="crlf"),
        pytest.param(b"\xef\xbb\xbf" + MAP.encode(), id="byte order mark"),
    ],
)
def test_classes_and_splits_are_read(tmp_path: Path, content: str | bytes) -> None:
    labels = read(tmp_path, content)

    assert labels.file == tmp_path / "label_map.toml"
    assert labels.classes == {
        "1": Emotion.SURPRISE,
        "joy": Emotion.HAPPY,
        "Joy": Emotion.SAD,
        "contempt": None,
    }
    assert labels.splits == {"fold1": Split.TRAIN, "fold2": Split.VALIDATION}
    assert labels.names_numbers


def test_without_a_file_nothing_is_said(tmp_path: Path) -> None:
    labels = read_label_map(tmp_path)

    assert labels == LabelMap(tmp_path / "label_map.toml", {}, {})
    assert not labels.names_numbers


def test_splits_may_be_missing(tmp_path: Path) -> None:
    assert read(tmp_path, '[classes]\na = "fear"\n').splits == {}


@pytest.mark.parametrize(
    ("folder_name", "entry"),
    [
        ("joy", "joy"),
        ("Joy", "Joy"),
        ("JOY", None),  # which of the two?
        ("Contempt", "contempt"),
        ("1", "1"),
        ("01", None),
        ("fear", None),
    ],
)
def test_a_folder_is_looked_up_exactly_and_then_in_any_case(
    tmp_path: Path, folder_name: str, entry: str | None
) -> None:
    labels = read(tmp_path, MAP)

    assert labels.class_entry(folder_name) == entry
    assert labels.split_entry("FOLD1") == "fold1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"has no \[classes\]; expected the section \[classes\] and, optionally, \[splits\]"),
        ('[splits]\na = "train"\n', r"has no \[classes\]"),
        ('[classes]\na = "fear"\n[labels]\n', r"found 'labels'; expected the section \[classes\]"),
        ('joy = "happy"\n', r"found 'joy'; expected the section \[classes\]"),
        ("classes = 3", r"classes is 3; expected the section \[classes\]"),
        ('classes = "happy"', r"classes is 'happy'; expected the section"),
        ("[[classes]]\n", r"classes is \[\{\}\]; expected the section"),
        ('[classes]\na = "joyful"\n', r"\[classes\] 'a' is 'joyful'; expected one of angry, disg"),
        ('[classes]\na = "Happy"\n', r"'a' is 'Happy'; .*neutral, or 'leave out'"),
        ('[classes]\na = "anger"\n', r"'a' is 'anger'"),
        ('[classes]\na = ""\n', r"'a' is ''"),
        ("[classes]\na = 3\n", r"\[classes\] 'a' is 3; expected a text in quotes"),
        (
            '[classes]\nS.1 = "happy"\n',
            r"'S' is \{'1': 'happy'\}; .*A name with a dot also needs quotes",
        ),
        ('[classes]\na = "fear"\n[splits]\nb = "dev"\n', r"\[splits\] 'b': unknown split 'dev'"),
        ('[classes]\na = "fear"\n[splits]\nb = 1\n', r"\[splits\] 'b' is 1; expected a text"),
        ("[classes\n", r"not TOML: .*\(at line 1, column 9\); expected lines such as"),
        ('[classes]\na = "fear"\na = "sad"\n', r"not TOML: .*line 3"),
        ("[classes]\na = fear\n", r"not TOML: .*line 2"),
        pytest.param("classes = " + "[" * 100_000, r"not TOML", id="nested"),
        (b'[classes]\n"\xff" = "fear"\n', r"line 2 is not UTF-8. Save it as UTF-8"),
        ("[classes]\n".encode("utf-16"), r"line 1 is not UTF-8"),
        (b"\0" * 100, r"not TOML"),
        pytest.param("#" * (1 << 20) + "\n", r"is larger than 1,048,576 bytes", id="large"),
    ],
)
def test_what_is_no_label_map_is_refused_with_the_place(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(DatasetError, match=rf"label_map\.toml: .*{message}"):
        read(tmp_path, content)


def test_a_folder_of_that_name_is_no_map(tmp_path: Path) -> None:
    (tmp_path / "label_map.toml").mkdir()

    with pytest.raises(DatasetError, match=r"label_map\.toml: cannot be read"):
        read_label_map(tmp_path)
