import csv
import errno
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.contract import TABLE_COLUMNS, TableRow
from emolens.core.errors import ConfigError, OutputError
from emolens.core.frame import Cell
from emolens.media.parquet_rows import parquet_schema
from emolens.media.table_file import TABLE_SUFFIXES
from emolens.media.table_sink import TableSink
from tests.results import frame_and_result

N_FACES = (1, 0, 2)


@pytest.fixture(params=TABLE_SUFFIXES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    suffix: str = request.param
    return tmp_path / f"a{suffix}"


def write(path: Path) -> None:
    with TableSink(path) as table:
        for index, n_faces in enumerate(N_FACES):
            table.write(*frame_and_result(index, n_faces=n_faces))


def expected_rows() -> list[dict[str, Cell]]:
    results = [frame_and_result(index, n_faces=n)[1] for index, n in enumerate(N_FACES)]
    return [row for result in results for row in result.to_table_rows()]


def in_csv(value: Cell) -> str:
    return "" if value is None else str(value)


def rows_of(path: Path) -> list[dict[str, Cell]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Cell]] = pq.read_table(path).to_pylist()
        return rows
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_one_row_per_face_and_one_for_a_frame_without(target: Path) -> None:
    write(target)
    expected = expected_rows()
    assert [row["frame"] for row in expected] == [0, 1, 2, 2]
    if target.suffix == ".csv":
        with target.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        assert found == [{key: in_csv(value) for key, value in row.items()} for row in expected]
    else:
        assert rows_of(target) == expected


def test_the_columns_are_those_of_the_contract(target: Path) -> None:
    write(target)
    if target.suffix == ".csv":
        assert target.read_text(encoding="utf-8").splitlines()[0] == ",".join(TABLE_COLUMNS)
    else:
        assert [tuple(row) for row in rows_of(target)] == [TABLE_COLUMNS] * 4


def test_types_of_a_parquet_table_do_not_depend_on_what_is_in_it(tmp_path: Path) -> None:
    with TableSink(tmp_path / "a.parquet") as table:
        table.write(*frame_and_result(0, n_faces=0))
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema == parquet_schema(TableRow)
    assert (schema.field("track_id").type, schema.field("label").type) == (pa.int64(), pa.string())


def test_many_rows_become_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emolens.media.parquet_rows._GROUP_ROWS", 4)
    monkeypatch.setattr("emolens.media.parquet_rows._BATCH_ROWS", 2)
    with TableSink(tmp_path / "a.parquet") as table:
        for index in range(10):
            table.write(*frame_and_result(index))
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.num_row_groups == 3
    assert [row["frame"] for row in rows_of(tmp_path / "a.parquet")] == list(range(10))


@pytest.mark.parametrize("name", ["a.txt", "a", "csv", "a.csv.gz"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"allowed: .csv, .parquet, .jsonl"):
        TableSink(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    for name in ("A.CSV", "A.PARQUET", "A.JSONL"):
        write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["A.CSV", "A.JSONL", "A.PARQUET"]


# Failures


def check_what_is_left(target: Path, n_whole: int) -> None:
    """Nothing under the name, whole lines under another one, no temporary file."""
    partial = target.with_suffix(f".partial{target.suffix}")
    if target.suffix == ".parquet" or n_whole == 0:
        assert os.listdir(target.parent) == []
        return
    assert os.listdir(target.parent) == [partial.name]
    content = partial.read_text(encoding="utf-8")
    assert content.endswith("\n")
    lines = content.splitlines()[1 if target.suffix == ".csv" else 0 :]
    frames = [
        line.split(",")[0] if target.suffix == ".csv" else str(json.loads(line)["frame"])
        for line in lines
    ]
    assert frames == [str(index) for index in range(len(frames))]
    assert len(frames) >= n_whole


def write_until_it_fails(table: TableSink) -> OutputError:
    for index in range(20_000):
        try:
            table.write(*frame_and_result(index))
        except OutputError as error:
            table.write(*frame_and_result(index))
            return error
    raise AssertionError("20,000 rows fitted")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_full_disk_leaves_whole_lines_under_another_name(
    suffix: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolens.media.parquet_rows._GROUP_ROWS", 500)
    (small_disk / "taken").write_bytes(bytes(2_040_000))
    target = small_disk / "tables" / f"a{suffix}"
    with TableSink(target) as table:
        error = write_until_it_fails(table)
    assert str(error).startswith(f"cannot write {target}: No space left on device")
    assert ("The complete lines are in" in str(error)) == (suffix != ".parquet")
    check_what_is_left(target, 50)
    # Where there is room again, so is a table.
    (small_disk / "taken").unlink()
    write(target)
    assert target.exists()


@pytest.mark.timeout(60)
def test_a_disk_that_is_full_at_the_end_leaves_no_table(target: Path) -> None:
    def fail(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OutputError, match="No space left"), TableSink(target) as table:
            table.write(*frame_and_result(0))
    check_what_is_left(target, 1)


def test_after_an_error_elsewhere_the_rows_so_far_are_a_table(target: Path) -> None:
    with pytest.raises(RuntimeError, match="elsewhere"), TableSink(target) as table:
        table.write(*frame_and_result(0))
        raise RuntimeError("elsewhere")
    assert os.listdir(target.parent) == [target.name]
