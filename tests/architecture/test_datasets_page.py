"""docs/datasets.md says what the data sheets in the code say."""

from pathlib import Path

import pytest

from emolens.datasets.formats import PUBLISHED
from emolens.datasets.readers.fer2013_csv import SHEET as FER2013

DOCS = Path(__file__).parents[2] / "docs"
SHEETS = {sheet.name: sheet for sheet in (FER2013, *(one.sheet for one in PUBLISHED.values()))}


@pytest.mark.parametrize("name", SHEETS)
def test_every_class_of_a_sheet_stands_on_the_page(name: str) -> None:
    page = (DOCS / "datasets.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    for one in SHEETS[name].classes:
        here = "left out" if one.emotion is None else one.emotion.label
        assert f"| `{one.code}` | {one.name} | {here} |" in section
    for message in SHEETS[name].known_issues:
        assert message in section
