import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emolens.core.errors import ConfigError, OutputError
from emolens.core.frame import Frame, FrameResult
from emolens.media.recording_sink import RecordingSink
from emolens.media.video_source import VideoSource
from emolens.storage.names import RECORDING_SUFFIXES
from tests.clips import numbered_image, read_number

pytestmark = pytest.mark.slow

RESULT = FrameResult((96, 64), ())
KILL_SCRIPT = Path(__file__).parents[3] / "docs" / "benchmarks" / "recording_kill.py"
EVEN_S = [i / 25 for i in range(50)]
UNEVEN_S = np.cumsum(np.random.default_rng(0).uniform(0.005, 0.3, 50)).tolist()


@pytest.fixture(params=RECORDING_SUFFIXES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    suffix: str = request.param
    return tmp_path / f"a{suffix}"


def frame_of(number: int, at_s: float, size_wh: tuple[int, int] = (96, 64)) -> Frame:
    return Frame(numbered_image(number, size_wh), index=number, media_time_s=at_s)


def record(
    path: Path, times_s: Sequence[float], *, size_wh: tuple[int, int] = (96, 64)
) -> RecordingSink:
    with RecordingSink(path) as recording:
        for number, at_s in enumerate(times_s):
            recording.write(frame_of(number, at_s, size_wh), RESULT)
    return recording


def seen(path: Path) -> list[tuple[int, float]]:
    with VideoSource(path) as source:
        return [(read_number(frame.image), frame.media_time_s) for frame in source]


@pytest.mark.parametrize(
    "times_s",
    [EVEN_S, UNEVEN_S, [3600 + t for t in UNEVEN_S], [5.0], [0.0, 100.0, 200.0]],
    ids=["even", "uneven", "late", "one", "pauses"],
)
def test_every_frame_keeps_its_time(target: Path, times_s: list[float]) -> None:
    record(target, times_s)
    numbers, found_s = zip(*seen(target), strict=True)
    assert list(numbers) == list(range(len(times_s)))
    np.testing.assert_allclose(found_s, times_s, rtol=0, atol=0.001)


def test_frames_of_the_same_moment_all_come(target: Path) -> None:
    record(target, [0.0, 0.0, 0.1, 0.1, 0.1001])
    assert [number for number, _ in seen(target)] == list(range(5))


def test_a_recording_goes_on_where_times_go_back(target: Path) -> None:
    record(target, [1.0, 1.1, 1.2, 0.0, 0.1, 0.2])
    found = seen(target)
    assert [number for number, _ in found] == list(range(6))
    np.testing.assert_allclose([t for _, t in found], np.arange(1.0, 1.55, 0.1), atol=0.001)


def test_a_recording_begins_at_zero_where_times_begin_before(target: Path) -> None:
    record(target, [-1.0, -0.9, -0.5, 0.1])
    np.testing.assert_allclose([t for _, t in seen(target)], [0.0, 0.1, 0.5, 1.1], atol=0.001)


def test_the_same_input_gives_the_same_bytes(target: Path) -> None:
    record(target, UNEVEN_S)
    first = target.read_bytes()
    record(target, UNEVEN_S)
    assert target.read_bytes() == first


@pytest.mark.parametrize("size_wh", [(97, 63), (1, 1), (3, 2), (2, 200), (641, 481)])
def test_odd_sizes_get_one_pixel_more(target: Path, size_wh: tuple[int, int]) -> None:
    record(target, EVEN_S[:3], size_wh=size_wh)
    with VideoSource(target) as source:
        sizes = [frame.size_wh for frame in source]
    assert sizes == [tuple(side + side % 2 for side in size_wh)] * 3


def test_a_size_that_changes_is_fitted_between_bars(target: Path) -> None:
    white = np.full((200, 100, 3), 255, np.uint8)
    with RecordingSink(target) as recording:
        recording.write(frame_of(0, 0.0), RESULT)
        recording.write(Frame(white, index=1, media_time_s=0.1), RESULT)
        recording.write(frame_of(2, 0.2, (48, 32)), RESULT)
    with VideoSource(target) as source:
        first, tall, small = (frame.image for frame in source)
    assert first.shape == tall.shape == small.shape == (64, 96, 3)
    assert (tall[:, :28].max(), tall[:, 36:60].min(), tall[:, 70:].max()) < (40, 256, 40)
    assert tall[:, 36:60].min() > 220
    assert read_number(small) == 2


@pytest.mark.parametrize("size_wh", [(16_386, 4), (4, 16_386)])
def test_frames_that_are_too_large_are_refused(target: Path, size_wh: tuple[int, int]) -> None:
    with RecordingSink(target) as recording:
        with pytest.raises(OutputError, match=f"frames are {size_wh[0]}x{size_wh[1]} px; allowed"):
            recording.write(frame_of(0, 0.0, size_wh), RESULT)
        recording.write(frame_of(1, 0.1), RESULT)
    assert not target.exists()


def test_nothing_is_written_without_a_frame(target: Path) -> None:
    with RecordingSink(target):
        pass
    assert not target.exists()


def test_a_closed_recording_is_not_begun_anew(target: Path) -> None:
    recording = record(target, EVEN_S)
    recording.write(frame_of(0, 99.0), RESULT)
    recording.close()
    assert len(seen(target)) == len(EVEN_S)


def test_folders_are_made_and_any_name_is_that_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("rtsp:a.mkv", "-a.mp4", "%d ü.mkv", "new/folder/a.mp4"):
        record(Path(name), EVEN_S[:2])
        assert len(seen(tmp_path / name)) == 2


@pytest.mark.parametrize("name", ["a.avi", "a", "mkv", "a.mkv.txt"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"allowed: .mkv, .mp4"):
        RecordingSink(tmp_path / name)


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="it is a folder"):
        RecordingSink(tmp_path / "a.mkv")
    with pytest.raises(OutputError, match="cannot create the folder"):
        RecordingSink(tmp_path / "file" / "a.mkv")


# Disks


def noise_of(number: int) -> Frame:
    noise = np.random.default_rng(number).integers(0, 256, (240, 320, 3), np.uint8)
    return Frame(noise, index=number, media_time_s=number / 25)


def record_until_it_fails(path: Path) -> tuple[int, OutputError]:
    with RecordingSink(path) as recording:
        for number in range(200):
            try:
                recording.write(noise_of(number), RESULT)
            except OutputError as error:
                recording.write(noise_of(number), RESULT)
                return number, error
    raise AssertionError("200 frames fitted")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("suffix", RECORDING_SUFFIXES)
def test_a_full_disk_ends_the_recording_and_what_is_there_can_be_watched(
    suffix: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolens.media.recording_sink._RESERVE_SHARE", 0.0)
    path = small_disk / f"a{suffix}"
    n_written, error = record_until_it_fails(path)
    assert str(error) == (
        f"stopped recording {path} at {n_written / 25:.1f} s: No space left on device. The "
        "recording up to that time is kept."
    )
    assert 0 < len(seen(path)) <= n_written
    assert len(seen(path)) >= n_written - 50
    assert os.listdir(small_disk) == [path.name]


@pytest.mark.timeout(60)
def test_some_room_is_left_on_a_disk(
    small_disk: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emolens.media.recording_sink._RESERVE_SHARE", 0.5)
    path = small_disk / target.name
    n_written, error = record_until_it_fails(path)
    assert "the disk is nearly full" in str(error)
    assert shutil.disk_usage(small_disk).free > 0
    assert len(seen(path)) == n_written


def test_on_a_disk_that_is_nearly_full_nothing_is_begun(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.write_bytes(b"old")
    usage = shutil._ntuple_diskusage(10**12, 10**12 - 10**6, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with RecordingSink(target) as recording:
        with pytest.raises(OutputError, match=r"cannot record .*nearly full \(1 MB free\)"):
            recording.write(frame_of(0, 0.0), RESULT)
        recording.write(frame_of(1, 0.1), RESULT)
    assert target.read_bytes() == b"old"


@pytest.mark.timeout(60)
def test_a_file_that_may_not_grow_is_an_error(target: Path) -> None:
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from tests.unit.media.test_recording_sink import record_until_it_fails

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        print(*record_until_it_fails(Path(sys.argv[1])))
        """
    )
    command = [sys.executable, "-c", script, str(target)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert os.strerror(errno.EFBIG) in said
    assert len(seen(target)) > 10


@pytest.mark.timeout(120)
def test_a_recording_whose_program_is_killed_lacks_two_seconds_at_most(tmp_path: Path) -> None:
    reports = {
        tmp_path / f"{seed}{suffix}.json": [
            *(sys.executable, str(KILL_SCRIPT), "--runs", "1", "--suffixes", suffix),
            *("--seed", str(seed)),
        ]
        for suffix in RECORDING_SUFFIXES
        for seed in range(2)
    }
    running = [
        subprocess.Popen([*command, "--json", str(report)], stdout=subprocess.DEVNULL)
        for report, command in reports.items()
    ]
    assert [process.wait(100) for process in running] == [0] * 4
    for report in reports:
        results = json.loads(report.read_text(encoding="utf-8"))
        assert results["n_opened"] == 1, results
        assert results["max_lost_s"] <= 2
