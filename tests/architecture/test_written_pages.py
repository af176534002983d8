"""Pages with parts that a script writes say what it would write today."""

from pathlib import Path

import pytest

from tests.scripts import load_script

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("script", ["datasets.py", "experiments/ferplus_page.py"])
def test_a_page_is_what_its_script_writes(script: str) -> None:
    module = load_script(DOCS / script)
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.filled(page) == page
