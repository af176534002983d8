"""Pages of experiments whose tables are written from docs/metrics."""

import importlib.util
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "docs" / "experiments"


def test_the_page_of_targets_is_what_its_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("ferplus_page", EXPERIMENTS / "ferplus_page.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.filled(page) == page
