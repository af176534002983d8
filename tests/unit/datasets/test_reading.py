from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample
from emolens.datasets.reading import N_DAMAGED_KEPT, ReadingReport, read_each, without_folder

BROKEN, LEFT_OUT = -1, 0


def face(row: int) -> FaceSample:
    return FaceSample(np.full((2, 2), row, np.uint8), Emotion.SAD, None, f"row {row}")


def read(row: int) -> FaceSample | None:
    if row == BROKEN:
        raise DatasetError("row x: is broken")
    return None if row == LEFT_OUT else face(row)


def test_rows_become_faces_in_their_order() -> None:
    found = [sample.location for sample in read_each([3, LEFT_OUT, 1, 2], read, ReadingReport())]
    assert found == ["row 3", "row 1", "row 2"]


def test_the_first_broken_row_stops_reading_unless_it_may_be_skipped() -> None:
    report = ReadingReport()
    faces = read_each([1, BROKEN, 2], read, report)
    assert next(faces).location == "row 1"
    with pytest.raises(DatasetError, match="^row x: is broken$"):
        next(faces)
    assert (report.n_damaged, report.damaged) == (0, [])


def test_broken_rows_are_skipped_and_counted() -> None:
    report = ReadingReport(skip_damaged=True)
    found = [sample.location for sample in read_each([1, BROKEN, 2], read, report)]
    assert found == ["row 1", "row 2"]
    assert (report.n_damaged, report.damaged) == (1, ["row x: is broken"])


def test_only_the_first_faults_are_kept() -> None:
    report = ReadingReport(skip_damaged=True)
    for row in range(N_DAMAGED_KEPT + 5):
        report.add_damaged(DatasetError(f"row {row}"))
    assert report.n_damaged == N_DAMAGED_KEPT + 5
    assert report.damaged == [f"row {row}" for row in range(N_DAMAGED_KEPT)]


def test_a_fault_that_is_met_again_counts_once() -> None:
    """A row whose split is broken is met whichever split is read."""
    report = ReadingReport(skip_damaged=True)
    for _ in range(2):
        list(read_each([1, BROKEN], read, report))
    assert (report.n_damaged, report.damaged) == (1, ["row x: is broken"])


def test_other_errors_are_no_faults() -> None:
    def wrong(_row: int) -> FaceSample:
        raise ZeroDivisionError

    report = ReadingReport(skip_damaged=True)
    with pytest.raises(ZeroDivisionError):
        list(read_each([1], wrong, report))
    assert report.n_damaged == 0


def test_a_broken_layout_stops_though_faults_are_skipped() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise DatasetError("the list ends early")

    faces = read_each(rows(), read, ReadingReport(skip_damaged=True))
    assert next(faces).location == "row 1"
    with pytest.raises(DatasetError, match="the list ends early"):
        next(faces)


def test_classes_that_are_left_out_are_counted() -> None:
    report = ReadingReport()
    for name in ("contempt", "none", "contempt"):
        report.leave_out(name)
    assert report.left_out == {"contempt": 2, "none": 1}
    assert ReadingReport().left_out == {}


def test_a_warning_is_told_once() -> None:
    report = ReadingReport()
    for text in ("a", "b", "a"):
        report.warn(text)

    assert report.warnings == ["a", "b"]


def test_files_that_are_passed_on_do_not_tell_where_a_source_lies() -> None:
    source = Path("home", "user", "faces")

    assert without_folder([f"{source}: a, see {source / 'b'}", "c"], source) == (
        f"faces: a, see {Path('faces', 'b')}",
        "c",
    )
    assert without_folder([".: a."], Path()) == (".: a.",)


def test_a_source_below_the_folder_of_all_data_sets_is_not_told_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOLENS_DATA", str(tmp_path))
    (tmp_path / "mine").mkdir()
    location = str(tmp_path / "mine" / "happy" / "1.png")
    expected = (str(Path("mine", "happy", "1.png")),)
    assert without_folder([location], Path("mine")) == expected
    assert without_folder([location], Path("other"), Path("mine")) == expected
