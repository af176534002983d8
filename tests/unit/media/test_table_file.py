"""What tables have in common; formats and full disks: test_table_sink."""

import os
from pathlib import Path

import pytest

from emolens.contract import Record
from emolens.media.table_file import TABLE_SUFFIXES, TableFile, check_table_name


class Row(Record):
    """A row."""

    name: str
    n: int | None


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_table_without_rows_is_a_table(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    check_table_name(path)
    with TableFile(path, Row) as table:
        assert table.is_empty
    assert path.exists()
    if suffix == ".csv":
        assert path.read_text() == "name,n\n"


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_an_old_table_stays_if_a_new_one_is_not_completed(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    table = TableFile(path, Row)
    table.add([{"name": "a", "n": 1}])
    assert not table.is_empty
    table.discard()
    table.discard()
    table.add([{"name": "b", "n": 1}])
    table.close()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_names_with_any_bytes_and_breaks_are_one_cell(tmp_path: Path) -> None:
    with TableFile(tmp_path / "a.csv", Row) as table:
        table.add([{"name": 'caf\udce9 "x",\n', "n": None}])
    assert (tmp_path / "a.csv").read_bytes() == b'name,n\n"caf\\udce9 ""x"",\n",\n'
