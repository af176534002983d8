from pathlib import Path

import pytest

from emolens.core.errors import DatasetError
from emolens.jobs.sources import read_sources


def test_a_source_that_breaks_its_format_is_told_and_left_out() -> None:
    def read(path: Path) -> str:
        if path.name == "b":
            raise DatasetError("b: broken")
        return path.name

    told: list[str] = []
    assert read_sources([Path("a"), Path("b"), Path("c")], read, on_error=told.append) == ["a", "c"]
    assert told == ["b: broken"]


def test_other_errors_stop_all() -> None:
    def read(_path: Path) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_sources([Path("a")], read, on_error=print)
