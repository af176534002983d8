import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens.jobs.cite import read_provenance
from emolens.media.video_source import VideoSource
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL, default_detector
from tests.command_line import run_emolens as command


@pytest.fixture
def data(tmp_path: Path, gray_faces: npt.NDArray[np.uint8]) -> Path:
    path = tmp_path / "fer2013.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for index, face in enumerate(gray_faces[:40]):
            usage = "Training" if index < 10 else "PublicTest"
            writer.writerow([index % 7, " ".join(map(str, face.ravel())), usage])
    return path


def test_demo_writes_what_it_says(tmp_path: Path) -> None:
    done = command("demo", "--out", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "happy" in done.stdout
    record = json.loads((tmp_path / "results/astronaut.json").read_text())
    assert [face["label"] for face in record["faces"]] == ["happy"]
    assert (tmp_path / "results/astronaut.png").stat().st_size > 0
    with (tmp_path / "results/crossing.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["track_id"], row["label"]) for row in rows} == {("1", "neutral"), ("2", "happy")}
    with VideoSource(tmp_path / "results/crossing.mkv") as drawn:
        assert len(list(drawn)) == len({row["frame"] for row in rows})
    assert "Track 2" in (tmp_path / "results/crossing.html").read_text(encoding="utf-8")
    written = ("astronaut.png", "astronaut.json", "crossing.mkv", "crossing.csv", "crossing.html")
    for name in written:
        assert name in done.stderr
        assert read_provenance(tmp_path / "results" / name).tracker in {None, "bytetrack"}


def test_data_info_counts(data: Path) -> None:
    done = command("data", "info", data.name, "--json", "-", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)["sources"]
    assert summary["n_faces"] == 40
    assert sum(summary["counts"]["train"].values()) == 10
    table = command("data", "info", data.name, cwd=data.parent)
    assert "validation" in table.stdout


def test_models_are_listed_and_sound(tmp_path: Path) -> None:
    listed = command("models", "list", cwd=tmp_path)
    assert f"{DEFAULT_EMOTION_MODEL} (default)" in listed.stdout
    assert f"{default_detector()} (default)" in listed.stdout
    assert "BSD-3-Clause" in listed.stdout
    verified = command("models", "verify", cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
    assert f"{default_detector()}: OK, SHA-256 " in verified.stdout


def test_doctor_tells_the_device_really_used(tmp_path: Path) -> None:
    done = command("doctor", "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)
    assert findings["inference device"] == "CPUExecutionProvider"
    assert findings["telemetry of ONNX Runtime"] == "off"
    assert "libx264" in findings["ffmpeg in PyAV"]
    assert findings["screen for windows"] in {"yes", "none"}
    assert findings["default detector"] == f"{default_detector()}, installed"
    assert findings[f"model {DEFAULT_EMOTION_MODEL}"].startswith("OK, SHA-256 ")


def test_a_model_card_is_written_from_measured_metrics(data: Path) -> None:
    folder = data.parent
    evaluate = ("evaluate", "--data", data.name, "--split", "val", "--json", "metrics.json", "-q")
    assert command(*evaluate, cwd=folder).returncode == 0
    arguments = ("models", "card", "labels", "metrics.json", "--out", "CARD.md")
    done = command(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "| accuracy |" in (folder / "CARD.md").read_text()
    (folder / "metrics.json").write_text("{}")
    refused = command(*arguments, cwd=folder)
    assert refused.returncode == 1
    assert "model_sha256: Field required" in refused.stderr
