import re

import pytest

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.formats import PUBLISHED
from emolens.datasets.readers.fer2013_csv import SHEET as FER2013
from emolens.datasets.sheet import DataSheet, SourceClass

SHEET = DataSheet(
    name="Faces",
    origin="A laboratory",
    terms="None",
    images="Drawn",
    layout="a.txt",
    classes=(
        SourceClass("1", "joy", Emotion.HAPPY),
        SourceClass("2", "delight", Emotion.HAPPY),
        SourceClass("3", "rage", Emotion.ANGRY),
        SourceClass("4", "contempt", None),
    ),
    rule="Contempt is left out.",
    splits="None",
    counts={
        Split.TRAIN: {"joy": 5, "delight": 2, "contempt": 9},
        Split.VALIDATION: {"rage": 1},
    },
    known_issues=(),
)
SHEETS = {FER2013.name: FER2013, **{name.value: one.sheet for name, one in PUBLISHED.items()}}


def test_a_code_is_looked_up_as_it_is_written() -> None:
    assert SHEET.class_of("3", "a.txt: line 1").name == "rage"
    assert SHEET.class_of("4", "a.txt: line 1").emotion is None


@pytest.mark.parametrize("code", ["0", "03", " 3", "joy", ""])
def test_an_unknown_code_is_named_with_the_known_ones(code: str) -> None:
    message = (
        f"a.txt: line 7: label is {code!r}; expected one of 1 (joy), 2 (delight), 3 (rage), "
        "4 (contempt)"
    )
    with pytest.raises(DatasetError, match=f"^{re.escape(message)}$"):
        SHEET.class_of(code, "a.txt: line 7")


def test_published_numbers_are_counted_by_our_labels_and_without_other_classes() -> None:
    none = dict.fromkeys(LABELS, 0)
    assert SHEET.published_counts() == {
        "train": {**none, "happy": 7},
        "validation": {**none, "angry": 1},
    }
    assert SHEET.labels_sha256 == SHEET.votes_sha256 == {}


@pytest.mark.parametrize("name", SHEETS)
def test_sheets_agree_with_themselves(name: str) -> None:
    sheet = SHEETS[name]
    codes = [one.code for one in sheet.classes]
    names = [one.name for one in sheet.classes]
    assert len(set(codes)) == len(codes)
    assert len(set(names)) == len(names)
    for split, by_class in sheet.counts.items():
        assert split in {*Split, "unknown"}
        assert set(by_class) <= set(names)
        of_ours = sum(
            n
            for name, n in by_class.items()
            if sheet.classes[names.index(name)].emotion is not None
        )
        assert sum(sheet.published_counts()[split].values()) == of_ours
    for digests in (sheet.labels_sha256, sheet.votes_sha256):
        assert set(digests) <= set(sheet.counts)
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    texts = (sheet.name, sheet.origin, sheet.terms, sheet.images, sheet.layout, sheet.rule)
    assert all(texts)
