from pathlib import Path
from typing import Final

import emolens
from emolens.detection import DETECTOR_NAMES
from emolens.reports.citation import (
    AUTHOR,
    DETECTORS,
    LICENSE,
    TITLE,
    TRACKERS,
    apa_text,
    bibtex_text,
    citation_text,
)
from emolens.tracking.factory import TRACKER_NAMES

CITATION: Final = Path(__file__).parents[3] / "CITATION.cff"


def test_the_data_are_those_of_the_citation_file() -> None:
    text = CITATION.read_text(encoding="utf-8")
    assert f'title: "{TITLE}"\n' in text
    assert f"  - name: {AUTHOR}\n" in text
    assert f"license: {LICENSE}\n" in text
    assert f"version: {emolens.__version__}\n" in text
    # The references have the date of publication as soon as there is one.
    assert ("date-released" in text) == ("n.d." not in apa_text())


def test_every_detector_and_tracker_has_a_reference() -> None:
    assert set(DETECTORS) == set(DETECTOR_NAMES)
    assert set(TRACKERS) == set(TRACKER_NAMES)


def test_the_references_have_the_version() -> None:
    assert f"version = {{{emolens.__version__}}}" in bibtex_text()
    assert "(Version 1.2.3)" in apa_text("1.2.3")
    assert bibtex_text().count("{") == bibtex_text().count("}")
    assert {bibtex_text(), apa_text()} <= set(citation_text())
