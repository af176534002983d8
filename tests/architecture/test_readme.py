"""What README says is what the files and the code say."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import LABELS
from emolens.core.frame import FrameResult
from emolens.media.images import write_image
from emolens.media.recording_sink import RecordingSink
from emolens.reports.model_card import CardSubject, read_record, write_card
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL, find_model, known_models
from emolens.runtime.model_file import load_emotion_model
from emolens.testing import crowd_clip

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
MAJORITY, LABEL = "Majority vote of FER+", "Labels of FER2013"


def metrics(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "docs" / "metrics" / f"{name}.json").read_text())
    return loaded


def row(heading: str, section: str, page: str = RESULTS) -> list[str]:
    """The cells of the row that begins with a heading, in the table of a section."""
    text = page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    found = re.search(rf"^\| {re.escape(heading)} \|(.*)\|$", text, re.MULTILINE)
    assert found, f"{section} has no row {heading!r}"
    return [cell.strip() for cell in found.group(1).split("|")]


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


SHIPPED = [model.name for model in known_models() if model.kind == "emotion"]
MEASURED = [f"{model}{how}" for model in SHIPPED for how in ("", "-ten-views", "-majority")]
COLUMNS = [
    f"{model}{views}"
    for model in SHIPPED
    if model != DEFAULT_EMOTION_MODEL
    for views in ("", "-ten-views")
]
# What the default promises, with one view: how often it says what most of ten raters see, and the
# mean of that over the classes.
SEEN_FLOOR, BALANCED_FLOOR = 0.82, 0.76
# What the others promise, with ten views: accuracy by FER2013's labels, and macro-F1.
FLOORS = {"labels": (0.72, 0.70), "labels-small": (0.69, 0.66)}
ECE_CEILING = 0.03


@pytest.mark.parametrize("name", MEASURED)
def test_metrics_belong_to_a_shipped_model(name: str) -> None:
    model = name.removesuffix("-ten-views").removesuffix("-majority")
    assert metrics(name)["model_sha256"] == find_model(model, "emotion").sha256
    assert metrics(name)["tta"] == name.endswith("-ten-views")
    is_of_votes = name.endswith("-majority")
    # Files that were written before there were targets name none; they are of the labels.
    assert metrics(name).get("target", "label") == ("majority" if is_of_votes else "label")


@pytest.mark.parametrize("model", FLOORS)
def test_shipped_models_reach_what_was_promised(model: str) -> None:
    measured = metrics(f"{model}-ten-views")
    accuracy, macro_f1 = FLOORS[model]
    assert measured["accuracy"] >= accuracy
    assert measured["macro_f1"] >= macro_f1
    assert measured["ece"] <= ECE_CEILING


def test_the_default_says_what_most_people_see_of_every_class() -> None:
    measured = metrics(f"{DEFAULT_EMOTION_MODEL}-majority")
    assert measured["accuracy"] >= SEEN_FLOOR
    assert measured["balanced_accuracy"] >= BALANCED_FLOOR
    assert measured["ece"] <= ECE_CEILING
    # More often than two people say the same.
    assert measured["ferplus"]["with_single_rater"] > measured["ferplus"]["between_raters"]


@pytest.mark.parametrize(("page", "section"), [(README, "Results"), (RESULTS, "Overview")])
def test_the_overview_equals_the_metrics(page: str, section: str) -> None:
    latency, elsewhere = metrics("latency"), metrics("shipped-elsewhere")
    for model in SHIPPED:
        majority, labelled, cost = metrics(f"{model}-majority"), metrics(model), latency[model]
        assert row(f"`{model}`", section, page) == [
            percent(majority["accuracy"]),
            percent(majority["balanced_accuracy"]),
            f"{majority['macro_f1']:.3f}",
            percent(labelled["accuracy"]),
            percent(elsewhere[model]["wild"]["macro_5"]),
            f"{cost['size_mb']:.1f} MB",
            f"{cost['median_ms']:.1f} ms",
        ]
        # The same file was measured on both sources.
        assert elsewhere[model]["majority_all"]["accuracy"] == pytest.approx(
            majority["accuracy"], abs=5e-4
        )
        size_mb = find_model(model, "emotion").path.stat().st_size / 1e6
        assert cost["size_mb"] == pytest.approx(size_mb)


@pytest.mark.parametrize("model", SHIPPED)
def test_a_card_says_what_was_measured(model: str) -> None:
    loaded = load_emotion_model(model)
    subject = CardSubject(loaded.manifest, loaded.sha256, loaded.size_bytes)
    card = find_model(model, "emotion").path.with_name(f"CARD-{model}.md")
    folder = ROOT / "docs" / "metrics"
    names = [f"{model}{how}" for how in ("-majority", "", "-ten-views")]
    measured = [read_record(folder / f"{name}.json") for name in names]
    assert card.read_text(encoding="utf-8") == write_card(subject, measured)


@pytest.mark.parametrize(
    ("section", "names"),
    [(MAJORITY, [f"{model}-majority" for model in SHIPPED]), (LABEL, COLUMNS)],
)
def test_the_tables_equal_the_metrics(section: str, names: list[str]) -> None:
    columns = [metrics(name) for name in names]
    assert row("accuracy", section) == [percent(one["accuracy"]) for one in columns]
    assert row("95 % interval", section) == [
        f"{percent(one['accuracy_ci95'][0])} to {percent(one['accuracy_ci95'][1])}"
        for one in columns
    ]
    assert row("accuracy without near-duplicates of training faces", section) == [
        percent(one["leak_free"]["accuracy"]) for one in columns
    ]
    assert row("balanced recall", section) == [percent(one["balanced_accuracy"]) for one in columns]
    assert row("macro-F1", section) == [f"{one['macro_f1']:.3f}" for one in columns]
    assert row("expected calibration error", section) == [f"{one['ece']:.3f}" for one in columns]
    for label in LABELS:
        assert row(f"recall of {label}", section) == [
            percent(one["per_class"][label]["recall"]) for one in columns
        ], label


def test_what_only_one_table_has_equals_the_metrics() -> None:
    assert row("accuracy, one random rater", MAJORITY) == [
        percent(metrics(f"{model}-majority")["ferplus"]["with_single_rater"]) for model in SHIPPED
    ]
    assert row("coverage at 80 % accuracy", LABEL) == [
        percent(metrics(name)["abstention"][0]["coverage"]) for name in COLUMNS
    ]


def test_the_result_of_the_whole_chain_equals_its_file() -> None:
    chain = metrics("whole-chain")
    assert f"detects {percent(chain['share_detected'])} of them" in RESULTS
    assert chain["points_lost"] <= 3
    assert f"is {chain['points_lost']:.1f} points below" in RESULTS


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 130


def test_the_python_example_runs(astronaut: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    for name in ("photo.jpg", "a.jpg", "b.png"):
        write_image(tmp_path / name, astronaut)
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    guide = re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert example
    assert guide
    done = subprocess.run(
        [sys.executable, "-c", example.group(1) + guide.group(1)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 face in 512x512 px" in done.stdout
    assert "happy" in done.stdout


def test_the_stream_example_runs(tmp_path: Path) -> None:
    clip = crowd_clip(1, size_wh=(320, 240), rate_hz=10, duration_s=0.5)
    with RecordingSink(tmp_path / "film.mp4") as recording:
        for frame in clip:
            recording.write(frame, FrameResult(frame.size_wh, ()))
    (example,) = re.findall(r"```python\n([^`]*emolens\.stream.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [[f"{t / 10}", "1", "happy"] for t in range(5)]


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_links_of_the_package_page_have_their_whole_address() -> None:
    """The index shows README without the repository beside it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    home = project["project"]["urls"]["Homepage"]
    page = README
    for one in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        page = re.sub(one["pattern"], one["replacement"], page)
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", page)
    assert len(links) > 15
    for is_image, link in links:
        assert link.startswith(f"{home}/{'raw' if is_image else 'blob'}/HEAD/"), link
        assert (ROOT / link.partition("/HEAD/")[2]).exists(), link
    assert f"git clone --depth 1 {home} " in page
    for name in ("CITATION.cff", "pyproject.toml"):
        assert home in (ROOT / name).read_text(encoding="utf-8")
