"""The experiments on detectors and landmarks say what was measured."""

from pathlib import Path

import pytest

from tests.scripts import load_script

DOCS = Path(__file__).parents[2] / "docs"
NAMES = ("0016-roll", "0017-landmarks", "0018-fast-detector")


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_what_its_script_writes(name: str) -> None:
    script = load_script(DOCS / "detector_tables.py")
    assert set(script.TABLES) == set(NAMES)
    assert (DOCS / f"experiments/{name}.md").read_text("utf-8") == script.with_table(name)
