from pathlib import Path

import pytest

from emolens.core.ports import SourceReport
from emolens.media.clip import Clip
from emolens.media.input_record import input_record
from emolens.media.open_source import plan_of_frames, plan_source
from emolens.testing import crossing_clip


def test_a_video_is_named_without_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "jane doe"
    folder.mkdir()
    (folder / "a\nb <i>.mp4").write_bytes(b"")
    plan = plan_source(folder / "a\nb <i>.mp4", clip=Clip(1.0, 2.5, 5))
    report = SourceReport(size_wh=(640, 480), rate_hz=25.0, duration_s=3.0)
    record = input_record(plan, report)
    assert record.model_dump(exclude_none=True) == {
        "kind": "video",
        "name": "a\nb <i>.mp4",
        "width": 640,
        "height": 480,
        "rate_hz": 25.0,
        "duration_s": 3.0,
        "start_s": 1.0,
        "end_s": 2.5,
        "every": 5,
    }


def test_a_folder_that_is_the_current_one_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frames").mkdir()
    monkeypatch.chdir(tmp_path / "frames")
    record = input_record(plan_source("."))
    assert (record.kind, record.name) == ("folder of images", "frames")


@pytest.mark.parametrize(
    "address",
    ["rtsp://jane:secret@camera.example:554/door?key=1", "http://10.0.0.7/snapshot.jpg"],
)
def test_a_network_camera_has_neither_host_nor_password(address: str) -> None:
    record = input_record(plan_source(address))
    assert (record.kind, record.name) == ("network camera", address.partition(":")[0])


def test_a_camera_and_frames_of_a_program() -> None:
    assert input_record(plan_source(0)).kind == "camera"
    record = input_record(plan_of_frames(crossing_clip(duration_s=1), name="made"))
    assert (record.kind, record.name) == ("frames", "made")
