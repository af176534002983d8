import json
import os
from pathlib import Path

import pytest

from emolens.core.errors import OutputError
from emolens.media.jsonl_sink import JsonlSink
from tests.results import frame_and_result


def test_one_line_per_frame_faces_or_not(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    expected = []
    with JsonlSink(str(target)) as sink:
        for index, n_faces in enumerate((1, 0, 2)):
            frame, result = frame_and_result(index, n_faces=n_faces)
            sink.write(frame, result)
            expected.append(result.to_stream_dict())
        assert not target.exists()
    found = [json.loads(line) for line in target.read_bytes().splitlines()]
    assert found == expected
    assert [len(record["faces"]) for record in found] == [1, 0, 2]


def test_lines_can_have_the_time_of_day(tmp_path: Path) -> None:
    with JsonlSink(str(tmp_path / "a"), wall_clock=lambda at_s: at_s + 1_699_999_900) as sink:
        sink.write(*frame_and_result(25))
    record = json.loads((tmp_path / "a").read_bytes())
    assert record["time"] == "2023-11-14T22:13:21.000+00:00"
    assert next(iter(record)) == "time"


def test_standard_output_has_every_line_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with JsonlSink("-") as sink:
        sink.write(*frame_and_result(0))
        assert json.loads(capsys.readouterr().out)["frame"] == 0
        sink.write(*frame_and_result(1))
        assert json.loads(capsys.readouterr().out)["frame"] == 1


@pytest.mark.timeout(60)
def test_a_full_disk_leaves_whole_lines_under_another_name(small_disk: Path) -> None:
    (small_disk / "taken").write_bytes(bytes(1_700_000))
    target = small_disk / "lines" / "a.jsonl"
    with JsonlSink(str(target)) as sink:
        with pytest.raises(OutputError, match=r"The complete lines are in .*a\.partial\.jsonl"):
            for index in range(5000):
                sink.write(*frame_and_result(index))
        sink.write(*frame_and_result(0))
    assert os.listdir(target.parent) == ["a.partial.jsonl"]
    lines = (target.parent / "a.partial.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(len(lines)))
    assert len(lines) > 100
