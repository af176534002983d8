import json
import os
from pathlib import Path

import pytest

from emolens.core.errors import OutputError
from emolens.storage.jsonl import jsonl_writing
from emolens.storage.side_files import side_path, write_side_file


def test_the_side_file_stands_next_to_its_file(tmp_path: Path) -> None:
    write_side_file(tmp_path / "ä b.csv", {"emolens": "ü"})
    assert os.listdir(tmp_path) == ["ä b.csv.emolens.json"]
    content = side_path(tmp_path / "ä b.csv").read_bytes()
    assert content.isascii()
    assert json.loads(content) == {"emolens": "ü"}


def test_without_a_record_there_is_no_side_file(tmp_path: Path) -> None:
    write_side_file(tmp_path / "a.csv", None)
    assert os.listdir(tmp_path) == []


def test_the_record_of_an_earlier_file_of_this_name_is_removed(tmp_path: Path) -> None:
    write_side_file(tmp_path / "a.csv", {"emolens": "1.2.3"})
    write_side_file(tmp_path / "a.csv", None)
    assert list(tmp_path.iterdir()) == []
    side_path(tmp_path / "a.csv").mkdir()
    with pytest.raises(OutputError, match=r"cannot remove .*a\.csv\.emolens\.json"):
        write_side_file(tmp_path / "a.csv", None)


def test_the_side_file_is_next_to_the_target_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "latest.csv").symlink_to(tmp_path / "data" / "a.csv")
    (tmp_path / "data" / "a.csv").write_bytes(b"x")
    write_side_file(tmp_path / "latest.csv", {})
    assert sorted(os.listdir(tmp_path / "data")) == ["a.csv", "a.csv.emolens.json"]
    assert side_path(tmp_path / "latest.csv") == side_path(tmp_path / "data" / "a.csv")


def test_a_device_has_no_side_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_side_file(tmp_path / "pipe", {})
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_side_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    side_path(tmp_path / "a.csv").mkdir()
    with pytest.raises(OutputError, match=r"a\.csv\.emolens\.json"):
        write_side_file(tmp_path / "a.csv", {})


def test_lines_have_a_side_file_and_standard_output_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for target in ("a.jsonl", "-"):
        with jsonl_writing(target, made={"emolens": "1"}) as write:
            write({"a": 1})
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl", "a.jsonl.emolens.json"]
    assert capsys.readouterr().out == '{"a": 1}\n'


def test_lines_that_fail_have_no_side_file(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        jsonl_writing(str(tmp_path / "a.jsonl"), made={"emolens": "1"}),
    ):
        raise KeyError
    assert os.listdir(tmp_path) == []
