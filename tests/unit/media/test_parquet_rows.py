import io
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import Field

from emolens.contract import SCHEMA_VERSION, Record
from emolens.contract.base import Label, Share
from emolens.core.frame import Cell
from emolens.media import parquet_rows
from emolens.media.parquet_rows import ParquetRows, parquet_schema


class Row(Record):
    """One column of each kind."""

    name: str
    label: Label | None
    share: Share | None
    is_certain: bool | None
    n: Annotated[int, Field(ge=0)] | None


ROW: dict[str, Cell] = {
    "name": "caf\udce9",
    "label": "happy",
    "share": 0.5,
    "is_certain": True,
    "n": 1,
}


def test_types_come_from_the_record() -> None:
    schema = parquet_schema(Row)
    kinds = [pa.string(), pa.string(), pa.float64(), pa.bool_(), pa.int64()]
    assert schema.names == list(ROW)
    assert schema.types == kinds
    assert schema.metadata == {b"emolens_schema_version": SCHEMA_VERSION.encode()}


def test_rows_are_written_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_BATCH_ROWS", 2)
    monkeypatch.setattr(parquet_rows, "_GROUP_ROWS", 4)
    file = io.BytesIO()
    rows = ParquetRows(file, Row)
    for n in range(10):
        rows.add({**ROW, "n": n})
    rows.finish()
    read = pq.ParquetFile(io.BytesIO(file.getvalue()))
    assert read.metadata.num_row_groups == 3
    found = read.read().to_pylist()
    assert found == [{**ROW, "name": "caf\\udce9", "n": n} for n in range(10)]
