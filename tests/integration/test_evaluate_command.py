"""`emolens evaluate`, from a data set on disk to metrics and a page."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from emolens.explanation.agreement import agreement_text
from emolens.pipeline.models import Models
from emolens.reports.page import percent
from tests.command_line import run_emolens as command

N_TRAINING, N_HELD_OUT = 10, 30


def results(*arguments: str, cwd: Path) -> dict[str, Any]:
    done = command("evaluate", "--model", "labels-small", *arguments, "--json", "-", cwd=cwd)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, gray_faces: npt.NDArray[np.uint8]) -> Path:
    """Ten training faces and thirty held-out ones, of which the first stands in training too."""
    path = tmp_path_factory.mktemp("data") / "fer2013.csv"
    images = gray_faces[: N_TRAINING + N_HELD_OUT].copy()
    images[N_TRAINING] = images[0]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for index, face in enumerate(images):
            usage = "Training" if index < N_TRAINING else "PublicTest"
            writer.writerow([index % 7, " ".join(map(str, face.ravel())), usage])
    return path


def test_every_figure_of_the_contract_is_there_and_repeats(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    arguments = ("--data", data.name, "--split", "PublicTest")
    record, again = (results(*arguments, cwd=data.parent) for _ in range(2))
    assert record == again
    assert record["n"] == N_HELD_OUT
    assert set(record) >= {
        "accuracy",
        "accuracy_ci95",
        "balanced_accuracy",
        "macro_f1",
        "per_class",
        "confusion_matrix",
        "nll",
        "brier",
        "ece",
        "model_sha256",
        "data_sha256",
        "tta",
    }
    assert set(record["per_class"]["angry"]) == {"precision", "recall", "f1", "support"}
    assert np.sum(record["confusion_matrix"]) == N_HELD_OUT


def test_a_face_that_stands_in_the_training_rows_is_found(data: Path) -> None:
    record = results("--data", data.name, "--split", "val", cwd=data.parent)
    leak_free = record["leak_free"]
    assert (leak_free["n_exact"], leak_free["n"]) == (1, N_HELD_OUT - leak_free["n_near"])
    assert leak_free["n_near"] >= 1


def test_leaks_need_not_be_looked_for(data: Path) -> None:
    record = results("--data", data.name, "--split", "val", "--no-leaks", cwd=data.parent)
    assert record["leak_free"] is None
    assert record["n"] == N_HELD_OUT
    refused = command(
        *("evaluate", "--data", data.name, "--no-leaks", "--training", data.name), cwd=data.parent
    )
    assert refused.returncode == 1
    assert "--no-leaks" in refused.stderr


def test_training_rows_may_lie_elsewhere_and_may_be_missing(
    data: Path, tmp_path: Path, generated_data: Path
) -> None:
    held_out = tmp_path / "held-out.parquet"
    table = pq.read_table(generated_data)
    pq.write_table(table.slice(280, 35), held_out)
    without = results("--data", str(held_out), cwd=tmp_path)
    assert without["leak_free"] is None
    assert "no training rows" in without["not_defined"]["leak_free"]
    elsewhere = results("--data", str(held_out), "--training", str(generated_data), cwd=tmp_path)
    assert elsewhere["leak_free"]["n"] == 35 - elsewhere["leak_free"]["n_near"]
    refused = command(
        "evaluate", "--data", str(held_out), "--training", str(held_out), cwd=tmp_path
    )
    assert refused.returncode == 1
    assert "no faces of split train" in refused.stderr


def test_ten_views_are_compared_with_one(data: Path) -> None:
    record = results("--data", data.name, "--split", "train", "--tta", cwd=data.parent)
    assert (record["tta"], record["n"], record["split"]) == (True, N_TRAINING, "train")
    assert record["one_view"]["n"] == record["ten_views_against_one"]["n"] == N_TRAINING
    assert record["before_temperature"] is None
    assert record["leak_free"] is None


def test_a_report_and_its_metrics_agree_and_show_nobody(data: Path, tmp_path: Path) -> None:
    done = command(
        *("evaluate", "--model", "labels-small", "--data", str(data), "--split", "val"),
        *("--compare", "everyday", "--report", "report"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "everyday" in done.stdout
    assert "surprise" in done.stdout
    record = json.loads((tmp_path / "report/metrics.json").read_text())
    page = (tmp_path / "report/report.html").read_text()
    assert percent(record["accuracy"]) in page
    assert record["model_sha256"] in page
    assert record["comparison"]["n"] == N_HELD_OUT
    assert "Comparison of labels-small with everyday" in page
    assert "<img" not in page
    # Where the data lies on this machine is nobody's business.
    assert str(data.parent) not in page
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)


def test_faces_are_shown_when_asked_for(data: Path, tmp_path: Path) -> None:
    arguments = (
        "evaluate",
        "--model",
        "labels-small",
        "--data",
        str(data),
        "--split",
        "val",
        "--faces",
    )
    done = command(*arguments, "--report", "report", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    page = (tmp_path / "report/report.html").read_text()
    record = json.loads((tmp_path / "report/metrics.json").read_text())
    n_hits = round(record["accuracy"] * N_HELD_OUT)
    # Each mistake once plain and once with its map, each hit with its map.
    assert page.count("<img") == 2 * min(24, N_HELD_OUT - n_hits) + min(24, n_hits)
    assert "when the region is blurred, in percentage points" in page
    assert "from 0 (dark) to" in page
    model = Models(model="labels-small")
    told = agreement_text(model.default_map_kind, model.classifier.model_sha256)
    assert told in page
    refused = command(*arguments, cwd=tmp_path)
    assert refused.returncode == 1
    assert "--report" in refused.stderr


@pytest.mark.parametrize(
    ("split", "named"), [("PrivateTest", "no faces of split test"), ("nonsense", "nonsense")]
)
def test_a_missing_split_ends_with_1(data: Path, split: str, named: str) -> None:
    done = command("evaluate", "--data", data.name, "--split", split, cwd=data.parent)
    assert done.returncode == 1
    assert named in done.stderr


def test_a_missing_class_is_not_defined_and_no_zero(data: Path, tmp_path: Path) -> None:
    lines = data.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("1,")]
    (tmp_path / "fer2013.csv").write_text("\n".join(kept) + "\n")
    record = results("--data", "fer2013.csv", "--split", "val", cwd=tmp_path)
    assert record["per_class"]["disgust"]["recall"] is None
    assert record["per_class"]["disgust"]["f1"] is None


def test_a_report_that_cannot_be_written_says_so(data: Path, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("in the way")
    done = command(
        *("evaluate", "--model", "labels-small", "--data", str(data), "--split", "val"),
        *("--report", "report"),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "cannot write" in done.stderr


def test_reports_say_what_they_need(data: Path, tmp_path: Path) -> None:
    hide = (
        "import importlib.util as u; found = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'seaborn' else found(name, *rest);"
        "from emolens.cli.main import run; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide, "evaluate", "--data", str(data), "--report", "report"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert '[report]"' in done.stderr
    assert not (tmp_path / "report").exists()
