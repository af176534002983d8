"""The experiments on detectors and landmarks say what was measured."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
NAMES = ("0016-roll", "0017-landmarks", "0018-fast-detector")


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_what_its_script_writes(name: str) -> None:
    spec = importlib.util.spec_from_file_location("tables", DOCS / "detector_tables.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert set(script.TABLES) == set(NAMES)
    assert (DOCS / f"experiments/{name}.md").read_text("utf-8") == script.with_table(name)
