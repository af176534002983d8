"""What every sink of results must do, whatever it writes."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import OutputError
from emolens.core.ports import ResultSink
from emolens.jobs.cite import read_provenance
from emolens.media.callback_sink import CallbackSink
from emolens.media.jsonl_sink import JsonlSink
from emolens.media.recording_sink import RecordingSink
from emolens.media.table_sink import TableSink
from emolens.media.video_source import VideoSource
from emolens.storage.side_files import side_path
from tests.made import MADE
from tests.results import frame_and_result

N_FRAMES: Final = 5
OpenSink = Callable[[], ResultSink]

MAKERS: Final[dict[str, Callable[[Path], ResultSink]]] = {
    "table.csv": TableSink,
    "table.parquet": TableSink,
    "table.jsonl": TableSink,
    "lines.jsonl": lambda path: JsonlSink(str(path)),
    "recording.mkv": RecordingSink,
    "recording.mp4": RecordingSink,
}
# The same sinks, which write a record of how their results were made.
RECORDED: Final[dict[str, Callable[[Path], ResultSink]]] = {
    "table.csv": partial(TableSink, made=MADE),
    "table.parquet": partial(TableSink, made=MADE),
    "table.jsonl": partial(TableSink, made=MADE),
    "lines.jsonl": lambda path: JsonlSink(str(path), made=MADE),
    "recording.mkv": partial(RecordingSink, made=MADE),
    "recording.mp4": partial(RecordingSink, made=MADE),
}
RECORDINGS: Final = ("recording.mkv", "recording.mp4")


@pytest.fixture(params=MAKERS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def target(name: str, tmp_path: Path) -> Path:
    return tmp_path / "new" / name


@pytest.fixture
def open_sink(name: str, target: Path) -> OpenSink:
    return lambda: MAKERS[name](target)


def test_a_file_with_a_record_of_how_it_was_made_gives_it_back(name: str, target: Path) -> None:
    with RECORDED[name](target) as sink:
        write(sink)
    assert frames_in(target) == list(range(N_FRAMES))
    assert read_provenance(target) == MADE
    beside = {target.name, *([side_path(target).name] * (target.suffix in {".csv", ".jsonl"}))}
    assert set(os.listdir(target.parent)) == beside


def test_without_a_result_there_is_no_record_either(name: str, target: Path) -> None:
    with RECORDED[name](target):
        pass
    assert os.listdir(target.parent) == []


def write(sink: ResultSink, *, start: int = 0) -> None:
    for index in range(start, start + N_FRAMES):
        sink.write(*frame_and_result(index))


def frames_in(path: Path) -> list[int]:
    """The numbers of the frames that a file tells about."""
    match path.suffix:
        case ".csv":
            numbers: list[int] = pyarrow.csv.read_csv(path)["frame"].to_pylist()
        case ".parquet":
            numbers = pq.read_table(path)["frame"].to_pylist()
        case ".jsonl":
            numbers = [json.loads(line)["frame"] for line in path.read_bytes().splitlines()]
        case _:
            with VideoSource(path) as source:
                numbers = [round(25 * frame.media_time_s) for frame in source]
    return numbers


def test_every_result_is_written_in_order(open_sink: OpenSink, target: Path) -> None:
    with open_sink() as sink:
        write(sink)
    assert frames_in(target) == list(range(N_FRAMES))
    assert os.listdir(target.parent) == [target.name]


def test_a_file_has_its_name_when_it_is_complete(
    name: str, open_sink: OpenSink, target: Path
) -> None:
    with open_sink() as sink:
        write(sink)
        # Recordings can be opened while they grow.
        assert target.exists() == (name in RECORDINGS)
    assert target.exists()


def test_without_a_result_there_is_no_file(open_sink: OpenSink, target: Path) -> None:
    with open_sink():
        pass
    assert os.listdir(target.parent) == []


def test_a_file_that_is_there_is_replaced_by_one_with_results_only(
    open_sink: OpenSink, target: Path
) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    with open_sink():
        pass
    assert target.read_bytes() == b"old"
    with open_sink() as sink:
        write(sink)
    assert frames_in(target) == list(range(N_FRAMES))


def test_after_its_end_nothing_is_written_and_ending_twice_is_no_error(
    open_sink: OpenSink, target: Path
) -> None:
    with open_sink() as sink:
        write(sink)
    content = target.read_bytes()
    write(sink, start=N_FRAMES)
    sink.__exit__(None, None, None)
    assert target.read_bytes() == content


def test_what_was_written_before_an_error_elsewhere_is_complete(
    open_sink: OpenSink, target: Path
) -> None:
    with pytest.raises(ZeroDivisionError), open_sink() as sink:
        write(sink)
        raise ZeroDivisionError
    assert frames_in(target) == list(range(N_FRAMES))


def test_the_same_results_give_the_same_bytes(open_sink: OpenSink, target: Path) -> None:
    contents = []
    for _ in range(2):
        with open_sink() as sink:
            write(sink)
        contents.append(target.read_bytes())
    assert contents[0] == contents[1]


def test_frames_without_faces_count_too(open_sink: OpenSink, target: Path) -> None:
    with open_sink() as sink:
        for index, n_faces in enumerate((0, 1, 0)):
            sink.write(*frame_and_result(index, n_faces=n_faces))
    assert frames_in(target) == [0, 1, 2]


def test_frames_and_results_are_left_as_they_are(open_sink: OpenSink) -> None:
    frame, result = frame_and_result(3)
    before = frame.image.copy(), result.to_json()
    with open_sink() as sink:
        sink.write(frame, result)
    assert (frame.image == before[0]).all()
    assert result.to_json() == before[1]


def test_a_place_that_cannot_be_written_to(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / name).mkdir()
    for place in (tmp_path / "file" / name, tmp_path / name):
        with pytest.raises(OutputError, match=r"cannot (write|create)") as raised:
            MAKERS[name](place)
        assert str(place) in str(raised.value)


def test_files_can_be_read_by_others(open_sink: OpenSink, target: Path) -> None:
    with open_sink() as sink:
        write(sink)
    (target.parent / "usual").touch()
    assert target.stat().st_mode == (target.parent / "usual").stat().st_mode


def test_a_function_is_a_sink_too() -> None:
    numbers: list[int] = []
    with CallbackSink(lambda frame, _: numbers.append(frame.index)) as sink:
        write(sink)
    assert numbers == list(range(N_FRAMES))
