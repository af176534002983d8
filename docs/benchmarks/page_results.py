"""Results of the benchmarks, for the pages that quote them."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]


def results(name: str) -> dict[str, Any]:
    """Return the results of a benchmark."""
    loaded: dict[str, Any] = json.loads(
        (DOCS / "metrics" / f"{name}.json").read_text(encoding="utf-8")
    )
    return loaded
