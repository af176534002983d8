import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import emolens
from emolens.contract import Provenance
from emolens.core.errors import EmolensError, InputError, InputNotFoundError
from emolens.jobs.cite import read_provenance
from emolens.jobs.video import Recorded, VideoJob, analyze_video
from emolens.media.images import write_image
from emolens.reports.page import render_page
from emolens.storage.side_files import side_path, write_side_file
from emolens.testing import crossing_clip
from tests.made import MADE

OUTPUTS = ("a.csv", "a.jsonl", "a.parquet", "a.mkv", "b.mp4", "a.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Recorded:
    """One analysis per recording, the first with all other outputs."""
    job = VideoJob(
        tables=[folder / name for name in OUTPUTS[:3]],
        annotated=folder / "a.mkv",
        report=folder / "a.html",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1800000000")
        clip = {"size_wh": (320, 240), "duration_s": 0.4}
        analyze_video(crossing_clip(**clip), VideoJob(annotated=folder / "b.mp4"))  # type: ignore[arg-type]
        return analyze_video(crossing_clip(**clip), job)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*OUTPUTS, "a.csv.emolens.json", "a.jsonl.emolens.json"])
def test_every_output_of_a_video_has_the_record(
    folder: Path, recorded: Recorded, name: str
) -> None:
    assert recorded.failures == []
    found = read_provenance(folder / name)
    assert found == recorded.provenance
    assert found.model is not None
    assert found.model.sha256 is not None


def test_the_session_has_the_record(recorded: Recorded) -> None:
    assert recorded.provenance is not None
    assert recorded.session.to_dict()["provenance"] == recorded.provenance.to_dict()
    assert isinstance(emolens.read_provenance, type(read_provenance))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_image_has_the_record(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_image(path, np.zeros((8, 8, 3), np.uint8), made=MADE)
    assert read_provenance(path) == MADE
    assert cv2.imread(str(path)) is not None


def test_a_page_with_a_hostile_name_has_the_record(tmp_path: Path) -> None:
    made = MADE.of_image("</script><script>alert(1)</script>\n\u2028.jpg", (1, 1))
    page = render_page("page.html", made=made)
    assert "<script>alert" not in page
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    assert read_provenance(tmp_path / "a.html") == made


def test_json_has_the_record_under_its_key(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"n": 1, "provenance": MADE.to_dict()}))
    assert read_provenance(tmp_path / "a.json") == MADE


def write_without(path: Path) -> None:
    """Write a file as an earlier version did."""
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.table({"a": [1]}), path)
        case ".png":
            write_image(path, np.zeros((8, 8, 3), np.uint8))
        case ".json":
            path.write_text('{"n": 1}')
        case _:
            path.write_text("frame,label\n0,happy\n")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".png", ".json", ".html", ""])
def test_a_file_without_a_record_is_an_error_that_helps(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"old{suffix}"
    write_without(path)
    with pytest.raises(InputError, match=rf"old{suffix}: the file has no record.*side file"):
        read_provenance(path)


def test_a_truncated_side_file_is_an_error_at_any_length(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    write_side_file(table, MADE.to_dict())
    content = side_path(table).read_bytes()
    for length in range(0, len(content) - 2, 37):
        side_path(table).write_bytes(content[:length])
        for path in (table, side_path(table)):
            with pytest.raises(InputError, match=r"a\.csv\.emolens\.json: "):
                read_provenance(path)


@pytest.mark.parametrize(
    "change",
    [{"emolens": None}, {"model": "everyday"}, {"settings": [1]}, {"schema_version": "2.0"}],
)
def test_a_damaged_or_newer_record_is_an_error(tmp_path: Path, change: dict[str, object]) -> None:
    write_side_file(tmp_path / "a.csv", {**MADE.to_dict(), **change})
    with pytest.raises(InputError, match="a.csv.emolens.json: the record"):
        read_provenance(tmp_path / "a.csv")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 9, b"[1]", b"{", b"\xff\xd8", b"\0"])
@pytest.mark.parametrize("suffix", [".csv", ".json", ".mkv", ".html", ".parquet"])
def test_other_content_is_an_error(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(EmolensError):
        read_provenance(path)


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        read_provenance(tmp_path / "a.csv")
    with pytest.raises(InputError, match="is a folder. Name one file in it"):
        read_provenance(tmp_path)


def test_a_record_of_a_later_minor_version_is_read(tmp_path: Path) -> None:
    later = {**MADE.to_dict(), "schema_version": "1.99", "weather": "sunny"}
    write_side_file(tmp_path / "a.csv", later)
    assert isinstance(read_provenance(tmp_path / "a.csv"), Provenance)
