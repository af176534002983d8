"""The card of the landmark model matches its metrics and the shipped model."""

import json
from pathlib import Path

from emolens.runtime.catalogue import LANDMARK_MODEL, find_model
from emolens.runtime.model_file import load_landmark_model
from tests.scripts import load_script

ROOT = Path(__file__).parents[2]


def test_the_card_is_what_its_script_writes() -> None:
    script = load_script(ROOT / "docs/landmark_card.py")
    metrics = json.loads((ROOT / "docs/metrics/landmarks.json").read_text())
    written = script.write_card(load_landmark_model().manifest, metrics)
    assert (ROOT / "src/emolens/models/CARD-landmarks.md").read_text(encoding="utf-8") == written


def test_the_metrics_are_of_the_shipped_model() -> None:
    metrics = json.loads((ROOT / "docs/metrics/landmarks.json").read_text())
    assert metrics["sha256"] == find_model(LANDMARK_MODEL, "landmarks").sha256
