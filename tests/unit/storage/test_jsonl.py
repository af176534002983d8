import json
from pathlib import Path

import pytest

from emolens.storage.jsonl import jsonl_writing


def test_one_ascii_line_per_record_in_order(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    records = [{"path": "a\nb.jpg"}, {"path": "ü\udcff.jpg"}]
    with jsonl_writing(str(target)) as write:
        for record in records:
            write(record)
    lines = target.read_bytes().decode("ascii").splitlines()
    assert [json.loads(line) for line in lines] == records


def test_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with jsonl_writing("-") as write:
        write({"n": 1})
    assert capsys.readouterr().out == '{"n": 1}\n'


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"), jsonl_writing(str(tmp_path / "a")) as write:
        write({"n": float("nan")})
    assert not (tmp_path / "a").exists()
