"""Pages with parts that a script writes say what it would write today."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("script", ["datasets.py", "experiments/ferplus_page.py"])
def test_a_page_is_what_its_script_writes(script: str) -> None:
    spec = importlib.util.spec_from_file_location("page", DOCS / script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.filled(page) == page
