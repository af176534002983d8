import csv
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from emolens import IMAGE_TABLE_COLUMNS
from emolens.core.errors import ConfigError, DamagedImageError
from emolens.jobs.image_outputs import image_outputs
from emolens.jobs.images import ImageOutcome
from tests.results import frame_and_result

OUTCOMES = [
    ImageOutcome("two.jpg", frame_and_result(0, n_faces=2)[1]),
    ImageOutcome("none.jpg", frame_and_result(0, n_faces=0)[1]),
    ImageOutcome("caf\udce9,\n.jpg", error=DamagedImageError("it ends early")),
]
SUFFIXES = (".csv", ".parquet", ".jsonl")


def rows_of(path: Path) -> list[dict[str, object]]:
    match path.suffix:
        case ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return [
                    {name: value or None for name, value in row.items()}
                    for row in csv.DictReader(file)
                ]
        case ".parquet":
            found: list[dict[str, object]] = pq.read_table(path).to_pylist()
            return found
        case _:
            return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_face_every_image_without_and_every_damaged_one_has_a_row(
    suffix: str, tmp_path: Path
) -> None:
    target = tmp_path / f"faces{suffix}"
    with image_outputs(None, [target]) as write:
        for outcome in OUTCOMES:
            write(outcome)
        assert not target.exists()
    rows = rows_of(target)
    assert [tuple(row) for row in rows] == [IMAGE_TABLE_COLUMNS] * 4
    assert [row["face"] and int(str(row["face"])) for row in rows] == [1, 2, None, None]
    assert [row["width"] and int(str(row["width"])) for row in rows] == [64, 64, 64, None]
    assert [row["error"] for row in rows] == [None, None, None, "damaged_image"]
    assert rows[3]["message"] == "it ends early"
    assert rows[1]["label"] is None
    assert rows[1]["top"] == "disgust"
    assert {name for name, value in rows[2].items() if value is not None} == {
        *("path", "width", "height")
    }
    shown = "caf\udce9,\n.jpg" if suffix == ".jsonl" else "caf\\udce9,\n.jpg"
    assert [row["path"] for row in rows] == ["two.jpg", "two.jpg", "none.jpg", shown]


def test_several_outputs_have_the_same_faces(tmp_path: Path) -> None:
    with image_outputs(str(tmp_path / "a.jsonl"), [tmp_path / "b.csv"]) as write:
        for outcome in OUTCOMES:
            write(outcome)
    assert len(rows_of(tmp_path / "a.jsonl")) == len(OUTCOMES)
    assert len(rows_of(tmp_path / "b.csv")) == 4


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    tables = [tmp_path / f"a{suffix}" for suffix in SUFFIXES]
    with pytest.raises(RuntimeError), image_outputs(None, tables) as write:
        write(OUTCOMES[0])
        raise RuntimeError
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("jsonl", "tables", "message"),
    [
        (None, ["a.txt"], "allowed: .csv, .parquet, .jsonl"),
        ("a.jsonl", ["new/../a.jsonl"], "the output would overwrite another output"),
        (None, ["a.csv", "a.csv"], "the output would overwrite another output"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_any_image_is_read(
    jsonl: str | None, tables: list[str], message: str, tmp_path: Path
) -> None:
    paths = [tmp_path / table for table in tables]
    target = None if jsonl is None else str(tmp_path / jsonl)
    with pytest.raises(ConfigError, match=message), image_outputs(target, paths):
        pass
    assert os.listdir(tmp_path) == []
