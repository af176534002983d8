"""The numbers of docs/adr/0020-light-install.md are those that its command wrote."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adr/0020-light-install.md").read_text(encoding="utf-8")
PROGRAMS = ("emolens", "pyvips", "pillow")


def cells(heading: str) -> list[str]:
    """The cells of the row whose heading begins so."""
    (row,) = [line for line in PAGE.splitlines() if line.lstrip().startswith(f"| {heading}")]
    return [cell.strip() for cell in row.strip().strip("|").split("|")][1:]


def counts(counted: dict[str, int]) -> list[str]:
    return [f"{counted[name]:,}" for name in ("n", *PROGRAMS)]


def test_the_comparison_of_image_parsers_equals_its_file() -> None:
    record: dict[str, Any] = json.loads((ROOT / "docs/metrics/image-parsers.json").read_text())
    assert cells("valid files accepted") == counts(record["valid accepted"])
    assert cells("truncated files refused") == counts(record["truncated refused"])
    for kind in ("PNG", "GIF"):
        expected = counts(record["truncated refused, by kind"][kind.lower()])
        assert cells(f"truncated {kind}") == expected
    for kind in ("JPEG", "PNG", "TIFF"):
        expected = counts(record["flipped refused, by kind"][kind.lower()])
        assert cells(f"{kind} with a flipped") == expected
    sources = record["photographs refused"].values()
    total = {name: sum(one[name] for one in sources) for name in ("n", *PROGRAMS)}
    assert cells("photographs refused") == counts(total)
    took = record["3 megapixels, ms"]
    assert cells("a JPEG of 3 megapixels")[1:] == [f"{took[name]:.0f}" for name in PROGRAMS]
