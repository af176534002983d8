"""`emolens evaluate` with several models, several data sets, or what raters saw."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from emolens.core.emotion import LABELS
from emolens.datasets.faces import Split
from emolens.datasets.readers import raf_db
from emolens.reports.page import percent
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples
from tests.command_line import run_emolens as command

N_OWN, N_RAF = 21, 14
MODELS = ("--model", "labels-small", "--model", "everyday")


@pytest.fixture(scope="module")
def folder(generated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """21 faces with votes, and RAF-DB's test split of 14; beside them what cannot be read."""
    folder = tmp_path_factory.mktemp("cross")
    pq.write_table(pq.read_table(generated_data).slice(280, N_OWN), folder / "own.parquet")
    write_raf_db(folder / "raf", draw_samples(raf_db.SHEET, (Split.TEST,), per_class=2))
    (folder / "broken.parquet").write_bytes(b"PAR1 and no more")
    return folder


def results(*arguments: str, cwd: Path) -> dict[str, Any]:
    done = command("evaluate", *arguments, "--json", "-", "-q", cwd=cwd)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


@pytest.fixture(scope="module")
def matrix(folder: Path) -> dict[str, Any]:
    return results(*MODELS, "--data", "own.parquet", "--data", "raf", cwd=folder)


def test_every_model_is_measured_on_every_data_set(matrix: dict[str, Any]) -> None:
    assert matrix["models"] == ["labels-small", "everyday"]
    assert matrix["data"] == [
        {"name": "own.parquet", "split": "validation", "n": N_OWN, "missing_classes": []},
        {"name": "raf", "split": "test", "n": N_RAF, "missing_classes": []},
    ]
    assert set(matrix["matrix"]) == {"accuracy", "balanced_accuracy", "macro_f1", "ece"}
    pairs = [(one["data"], one["n"]) for one in matrix["evaluations"]]
    assert pairs == [("own.parquet", N_OWN)] * 2 + [("raf", N_RAF)] * 2
    for figure, rows in matrix["matrix"].items():
        flat = [row[column] for column in range(2) for row in rows]
        assert flat == [one[figure] for one in matrix["evaluations"]]
    digests = [one["model_sha256"] for one in matrix["evaluations"]]
    assert digests[:2] == digests[2:]
    assert len(set(digests)) == 2


def test_each_pair_is_what_it_is_alone(folder: Path, matrix: dict[str, Any]) -> None:
    alone = results("--model", "labels-small", "--data", "raf", cwd=folder)
    together = dict(matrix["evaluations"][2])
    # Another command at another time.
    made, made_alone = together.pop("provenance"), alone.pop("provenance")
    assert {"data": "raf", **alone} == together
    assert made["model"] == made_alone["model"]
    assert made["settings"] == made_alone["settings"]


def test_a_table_shows_the_matrix(folder: Path, matrix: dict[str, Any]) -> None:
    done = command("evaluate", *MODELS, "--data", "own.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    [[fast], [int8]] = ([row[0]] for row in matrix["matrix"]["accuracy"])
    assert ["accuracy", "own.parquet"] in lines
    assert ["labels-small", f"{fast:.1%}"] in lines
    assert ["everyday", f"{int8:.1%}"] in lines
    assert ["faces", str(N_OWN)] in lines
    assert ["macro-F1", "own.parquet"] in lines
    assert ["labels-small", f"{matrix['matrix']['macro_f1'][0][0]:.3f}"] in lines


def test_a_missing_class_is_told(folder: Path, tmp_path: Path) -> None:
    table = pq.read_table(folder / "own.parquet")
    # The first three: angry, disgust and fear.
    pq.write_table(table.slice(0, 3), tmp_path / "three.parquet")
    sources = ("--data", "three.parquet", "--data", str(folder / "raf"))
    done = command(
        "evaluate", "--model", "labels-small", *sources, "--json", "a.json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert f"three.parquet has no faces labelled {', '.join(LABELS[3:])}" in done.stdout
    assert "raf has no faces" not in done.stdout
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["data"][0]["missing_classes"] == list(LABELS[3:])


def test_a_report_has_a_page_for_each_pair_and_one_over_all(folder: Path, tmp_path: Path) -> None:
    sources = ("--data", str(folder / "own.parquet"), "--data", str(folder / "raf"))
    done = command("evaluate", *MODELS, *sources, "--report", "report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = tmp_path / "report"
    page = (report / "report.html").read_text()
    links = re.findall(r'href="([^"#]*\.html)"', page)
    assert len(links) == len(set(links)) == 4
    record = json.loads((report / "metrics.json").read_text())
    for link, expected in zip(links, record["evaluations"], strict=True):
        pair = json.loads((report / link).with_name("metrics.json").read_text())
        assert {"data": expected["data"], **pair} == expected
        assert percent(pair["accuracy"]) in (report / link).read_text()
        assert percent(pair["accuracy"]) in page
    # Where the data lies on this machine is nobody's business.
    everything = page + "".join((report / link).read_text() for link in links)
    assert str(folder) not in everything
    assert "<img" not in everything
    assert {path.name for path in report.iterdir() if path.is_file()} == {
        "metrics.json",
        "report.html",
    }


def test_what_cannot_be_read_is_reported_and_the_rest_is_done(folder: Path) -> None:
    sources = ("--data", "broken.parquet", "--data", "raf", "--data", "gone")
    done = command("evaluate", "--model", "labels-small", *sources, "--json", "-", cwd=folder)
    assert done.returncode == 2
    assert "broken.parquet: not a readable Parquet file" in done.stderr
    assert "gone: no such file or folder" in done.stderr
    record = json.loads(done.stdout)
    assert [one["name"] for one in record["data"]] == ["raf"]
    assert record["matrix"]["accuracy"] == [[record["evaluations"][0]["accuracy"]]]


def test_nothing_that_can_be_read_is_a_failure(folder: Path) -> None:
    sources = ("--data", "broken.parquet", "--data", "gone")
    done = command("evaluate", "--model", "labels-small", *sources, "--json", "a.json", cwd=folder)
    assert done.returncode == 1
    assert "gone: no such file or folder" in done.stderr
    assert "none of the sources can be read" in done.stderr
    assert done.stdout == ""
    assert not (folder / "a.json").exists()


def test_a_comparison_is_of_one_model_on_one_source(folder: Path) -> None:
    for several in (("--data", "raf", "--model", "labels-small"), MODELS):
        done = command(
            *("evaluate", "--data", "own.parquet", *several, "--compare", "everyday"), cwd=folder
        )
        assert done.returncode == 1
        assert "--compare requires one model and one source" in done.stderr


def test_a_model_that_is_none_ends_with_1(folder: Path) -> None:
    done = command(
        *("evaluate", "--model", "labels-small", "--model", "nonsense", "--data", "raf"), cwd=folder
    )
    assert done.returncode == 1
    assert "nonsense" in done.stderr


def test_what_most_raters_see_may_be_right(folder: Path, tmp_path: Path) -> None:
    by_label = results("--model", "labels-small", "--data", "own.parquet", cwd=folder)
    assert by_label["target"] == "label"
    majority = ("--target", "majority", "--data", "own.parquet", "--report", str(tmp_path / "r"))
    record = results("--model", "labels-small", *majority, cwd=folder)
    assert (record["target"], record["n"]) == ("majority", N_OWN)
    # Eight of ten raters see the label of these.
    assert record["accuracy"] == by_label["accuracy"]
    page = (tmp_path / "r/report.html").read_text()
    assert "The ground truth is the majority vote" in page


def test_targets_need_votes(folder: Path) -> None:
    done = command(
        *("evaluate", "--model", "labels-small", "--data", "raf", "--target", "majority"),
        cwd=folder,
    )
    assert done.returncode == 1
    assert "the target majority requires FER+ votes, but not every face" in done.stderr
    both = ("--data", "raf", "--data", "own.parquet", "--target", "soft")
    some = command("evaluate", "--model", "labels-small", *both, "--json", "-", cwd=folder)
    assert some.returncode == 2
    assert "the target soft requires FER+ votes" in some.stderr
    assert [one["name"] for one in json.loads(some.stdout)["data"]] == ["own.parquet"]
    unknown = command("evaluate", "--data", "raf", "--target", "votes", cwd=folder)
    assert unknown.returncode == 1
    assert "majority" in unknown.stderr


def test_a_source_without_votes_is_named(folder: Path) -> None:
    both = ("--data", "raf", "--data", "own.parquet", "--target", "soft")
    done = command("evaluate", "--model", "labels-small", *both, "-q", cwd=folder)
    assert "error: raf: the target soft" in done.stderr
