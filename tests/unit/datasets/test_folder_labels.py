import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.folder_labels import is_class_name, label_folders
from emolens.datasets.label_map import FILE_NAME, LabelMap, read_label_map
from emolens.datasets.readers import affectnet, raf_db
from emolens.datasets.reading import ReadingReport

ROOT = Path("set")
FER2013 = {str(emotion.index): emotion for emotion in Emotion}


def read(
    *names: str, classes: Mapping[str, Emotion | None] | None = None
) -> tuple[dict[str, Emotion | None], list[str]]:
    """The class of every folder by name, and the warnings."""
    report = ReadingReport()
    labels = LabelMap(ROOT / FILE_NAME, classes or {}, {})
    found = label_folders([ROOT / name for name in names], labels, report)
    return {folder.name: emotion for folder, emotion in found.items()}, report.warnings


def proposed(error: DatasetError, folder: Path) -> LabelMap:
    """The label map of a message, with every "?" filled in."""
    text = str(error)[str(error).rindex("\n[classes]") :].replace('"?"', '"leave out"')
    (folder / FILE_NAME).write_text(text)
    return read_label_map(folder)


def test_words_need_no_warning() -> None:
    names = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

    assert read(*names) == (dict(zip(names, Emotion, strict=True)), [])


def test_0_to_6_are_read_in_the_order_of_fer2013_and_told_so() -> None:
    found, [warning] = read(*FER2013)

    assert found == FER2013
    assert warning == (
        "set: the class folders 0, 1, 2, 3, 4, 5, 6 are numbers, read in FER2013's order (0 angry, "
        "1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral). Other data sets use other "
        "orders: 0 is neutral in AffectNet and FER+, 4 is neutral in alphabetical order. "
        f"If this order is wrong, assign the classes in {ROOT / FILE_NAME}."
    )


@pytest.mark.parametrize(
    "names",
    [("0", "3", "6"), ("00", "01"), ("class_0", "class_1"), ("0", "happy"), ("0_angry", "3")],
)
def test_some_of_0_to_6_are_told_too(names: tuple[str, ...]) -> None:
    _, [warning] = read(*names)

    assert "read in FER2013's order" in warning


@pytest.mark.parametrize(
    "names",
    [
        [str(number) for number in range(1, 8)],
        [str(number) for number in range(8)],
        [str(number) for number in range(1, 7)],
        [str(number) for number in range(7, 14)],
        ["0", "7"],
        ["3"],
        ["1", "happy"],
        ["0", "1", "10"],
    ],
)
def test_other_numbers_need_a_label_map_which_is_shown(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"numbers are read in FER2013's order only if"
    ) as caught:
        read(*names)

    numbers = {name for name in names if name.isdecimal()}
    assert set(proposed(caught.value, tmp_path).classes) == numbers
    classes = dict.fromkeys(numbers, Emotion.SAD)
    found, warnings = read(*names, classes=classes)
    assert classes.items() <= found.items()
    assert warnings == []


def test_1_to_7_are_shown_in_the_order_of_raf_db(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="as in RAF-DB") as caught:
        read(*map(str, range(1, 8)))

    expected = {one.code: one.emotion for one in raf_db.SHEET.classes}
    assert proposed(caught.value, tmp_path).classes == expected


def test_0_to_7_are_shown_in_the_order_of_affectnet(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"as in AffectNet .* also.* FER\+ and CK\+") as caught:
        read(*map(str, range(8)))

    expected = {one.code: one.emotion for one in affectnet.SHEET.classes[:8]}
    assert proposed(caught.value, tmp_path).classes == expected


@pytest.mark.parametrize("name", ["zorn", 'a"b', "a\\b", "two words", "a.b", "joy\u00e9"])
def test_an_unknown_name_is_shown_as_toml(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="unknown class folder") as caught:
        read("happy", name, "contempt")

    assert proposed(caught.value, tmp_path).classes == {name: None, "contempt": None}
    assert '"contempt" = "leave out"' in str(caught.value)
    assert '= "?"' in str(caught.value)


def test_words_win_over_numbers_in_another_order_and_it_is_told() -> None:
    found, [warning] = read("0_neutral", "1_happy", "2_sad")

    assert list(found.values()) == [Emotion.NEUTRAL, Emotion.HAPPY, Emotion.SAD]
    assert "another order than FER2013's (0 neutral, 1 happy, 2 sad)" in warning
    assert "their classes are read from the words" in warning


def test_numbers_before_words_in_the_order_of_fer2013_need_no_warning() -> None:
    names = [f"{emotion.index}_{emotion.label}" for emotion in Emotion]

    assert read(*names) == (dict(zip(names, Emotion, strict=True)), [])


def test_a_number_before_two_classes_is_refused(tmp_path: Path) -> None:
    message = r"the number 0 is angry in '0_angry' but happy in '0_happy'"
    with pytest.raises(DatasetError, match=message) as caught:
        read("0_angry", "1_sad", "0_happy")

    expected = {"0_angry": Emotion.ANGRY, "0_happy": Emotion.HAPPY}
    assert proposed(caught.value, tmp_path).classes == expected


def test_a_number_alone_beside_words_in_another_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"another order than FER2013's \(1 happy\)") as caught:
        read("0", "1_happy", "1")

    assert proposed(caught.value, tmp_path).classes == {"0": None, "1": Emotion.HAPPY}


def test_parts_of_a_class_may_be_counted() -> None:
    found, warnings = read("happy_1", "happy_2", "sad_1")

    assert list(found.values()) == [Emotion.HAPPY, Emotion.HAPPY, Emotion.SAD]
    assert warnings == []


def test_a_long_list_is_cut() -> None:
    with pytest.raises(DatasetError, match=r"\n# and 70 more$") as caught:
        read(*(f"person {number}" for number in range(100)))

    assert len(re.findall("= ", str(caught.value))) == 30


@pytest.mark.parametrize(
    ("name", "expected"),
    [("happy", True), ("0_x", False), ("7", True), ("08", False), ("2019", False), ("docs", False)],
)
def test_names_that_may_be_class_folders(name: str, expected: bool) -> None:
    assert is_class_name(name) is expected
