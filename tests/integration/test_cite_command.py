"""`emolens cite`, as a user runs it, on what other commands wrote."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

import emolens
from emolens.core.face import FaceResult
from emolens.datasets.clean_file import read_clean_file
from emolens.jobs.bench import BenchJob
from emolens.media.sample import sample_image
from emolens.reports.methods_text import methods_text
from tests.audit_data import write_rows
from tests.command_line import run_emolens

SAMPLE: Final = "jane doe <b>.jpg"
OUTPUTS: Final = ("faces.jsonl", f"drawn/{SAMPLE}", "explained.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all outputs for one image."""
    folder = tmp_path_factory.mktemp("cite")
    shutil.copy(sample_image(), folder / SAMPLE)
    options = ("--jsonl", OUTPUTS[0], "--annotated", "drawn", "--detector-px", "640")
    for arguments in (("image", SAMPLE, *options), ("explain", SAMPLE, "--out", OUTPUTS[2])):
        done = run_emolens(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def cite(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    return run_emolens("cite", *files, cwd=folder)


def test_without_a_file_it_prints_how_to_cite_emolens(tmp_path: Path) -> None:
    done = cite(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("@software{emolens,\n")
    assert f"(Version {emolens.__version__}) [Computer software]." in done.stdout


@pytest.mark.parametrize("name", OUTPUTS)
def test_with_an_output_it_prints_a_methods_paragraph(folder: Path, name: str) -> None:
    done = cite(folder, name)
    assert (done.returncode, done.stderr) == (0, "")
    paragraph, rest = done.stdout.split("\n", 1)
    assert f"The input was the image {SAMPLE}" in paragraph
    assert f"classified with emolens {emolens.__version__}" in paragraph
    assert "model everyday, SHA-256 76ee6fca1026..." in paragraph
    assert "rotated by 90, 180 and 270 degrees" in paragraph
    assert "Authors must add:\n- the subjects" in rest
    assert "References:\nBarsoum" in rest


def test_the_lines_stay_lines_and_no_output_has_a_folder(folder: Path) -> None:
    (line,) = (folder / "faces.jsonl").read_text(encoding="ascii").splitlines()
    assert json.loads(line)["path"] == SAMPLE
    made = emolens.read_provenance(folder / "faces.jsonl")
    assert made.command == "image --jsonl --annotated --detector-px 640"
    assert made.detector is not None
    assert made.detector.input_px == 640
    secrets = {str(folder), folder.name, os.uname().nodename}
    assert not any(secret in made.to_json() for secret in secrets)


def test_standard_output_has_no_side_file(folder: Path) -> None:
    before = sorted(folder.iterdir())
    done = run_emolens("image", SAMPLE, "--jsonl", "-", cwd=folder)
    assert json.loads(done.stdout)["faces"]
    assert sorted(folder.iterdir()) == before


def test_a_file_without_a_record_is_an_error(folder: Path) -> None:
    done = cite(folder, SAMPLE)
    assert done.returncode == 1
    assert "no record of how it was made" in done.stderr
    assert "Traceback" not in done.stderr


def test_results_in_python_have_the_record() -> None:
    analyzer = emolens.ImageAnalyzer.load(sideways=False)
    faces: tuple[FaceResult, ...] = analyzer.analyze(sample_image()).faces
    assert faces
    assert isinstance(analyzer.provenance, emolens.Provenance)
    assert analyzer.provenance.settings["sideways"] is False
    stream = emolens.stream("clip.mp4", settings=emolens.StreamSettings(min_confidence=0.5))
    assert stream.provenance.settings["min_confidence"] == 0.5
    assert stream.provenance.input is not None
    assert stream.provenance.input.name == "clip.mp4"


DATA_OUTPUTS: Final = {
    "faces.parquet": "The data set set was processed",
    "audit.json": "The data set faces.parquet was processed",
    "audit.html": "The data set faces.parquet was processed",
    "clean.json": "The data set faces.parquet was processed",
    "info.json": "The data set faces.parquet was processed",
    "metrics.json": "labels-small, SHA-256 0d920d3ffd29... was evaluated",
    "report/metrics.json": "labels-small, SHA-256 0d920d3ffd29... was evaluated",
    "report/report.html": "labels-small, SHA-256 0d920d3ffd29... was evaluated",
    "both/report.html": "everyday 76ee6fca1026",
    "both/metrics.json": "everyday 76ee6fca1026",
}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all outputs for one data set."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "set").mkdir()
    write_rows(folder / "set" / "jane.parquet")
    audited = ("data", "audit", "faces.parquet", "--json", "audit.json")
    small = ("evaluate", "--data", "faces.parquet", "--model", "labels-small")
    for arguments in (
        ("data", "convert", "set", "faces.parquet"),
        ("data", "info", "faces.parquet", "--json", "info.json"),
        (*audited, "--report", "audit.html", "--clean", "clean.json"),
        (*small, "--json", "metrics.json", "--report", "report"),
        (*small, "--model", "everyday", "--report", "both"),
    ):
        done = run_emolens(*arguments, "-q", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", DATA_OUTPUTS)
def test_outputs_of_data_sets_have_a_record(data_folder: Path, name: str) -> None:
    text = methods_text(emolens.read_provenance(data_folder / name))
    assert DATA_OUTPUTS[name] in text
    assert str(data_folder) not in text


def test_a_list_of_rows_with_a_record_is_read(data_folder: Path) -> None:
    clean = read_clean_file(data_folder / "clean.json")
    assert clean.provenance == emolens.read_provenance(data_folder / "clean.json")


def test_a_benchmark_has_a_record() -> None:
    record = BenchJob(model="labels-small").record([])
    made = emolens.Provenance.model_validate(record["provenance"])
    assert made.model is not None
    assert record["model"] == made.model.name == "labels-small"
