import asyncio
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from emolens.contract import ErrorRecord
from emolens.core.errors import (
    BusyError,
    EmptyFileError,
    InputError,
    InputNotFoundError,
    RequestTimeoutError,
    UnsupportedFormatError,
)
from emolens.server import clips as clips_module
from emolens.server.clip_process import ClipOptions, ClipStatus, ClipTask
from emolens.server.clips import Clips, check_container
from emolens.server.settings import Limits, ServerSettings

MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp41"
OnStatus = Callable[[ClipStatus], None]


class Analysis:
    """Replaces the analysis in a process by one that ends when a test says so."""

    def __init__(self) -> None:
        self.tasks: list[ClipTask] = []
        self.may_end = asyncio.Event()
        self.n_cancelled = 0
        self.last = ClipStatus(n_frames=3, n_expected=3, is_done=True)

    async def __call__(self, task: ClipTask, on_status: OnStatus) -> ClipStatus:
        self.tasks.append(task)
        on_status(ClipStatus(n_frames=1, n_expected=3))
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        for kind in ("table", "summary", "report"):
            task.output(kind).write_text(kind)
        return self.last


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch) -> Analysis:
    analysis = Analysis()
    monkeypatch.setattr(clips_module, "run_clip", analysis)
    return analysis


def run(test: Callable[[Clips], Awaitable[None]], **limits: float) -> None:
    """Run a test with started clips."""

    async def whole() -> None:
        async with started(**limits) as clips:
            await test(clips)

    asyncio.run(whole())


@asynccontextmanager
async def started(**limits: float) -> AsyncIterator[Clips]:
    clips = Clips(ServerSettings(limits=Limits(**limits)))  # type: ignore[arg-type]  # some are whole
    await clips.start()
    try:
        yield clips
    finally:
        await clips.stop()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def create(clips: Clips, owner: str | None = None, name: str = "clip.mp4") -> str:
    return (await clips.create(name, chunks(MP4), ClipOptions(), owner)).id


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def is_failed(clips: Clips, job_id: str) -> bool:
    return clips.record(job_id, None).state == "failed"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != "lock")


def test_a_video_is_analysed_and_its_outputs_can_be_fetched(
    analysis: Analysis, temporary: Path
) -> None:
    async def test(clips: Clips) -> None:
        options = ClipOptions(table="jsonl")
        job = await clips.create(
            "My clip.mp4", chunks(MP4[:5], MP4[5:], b"x" * 5000), options, None
        )
        assert (job.state, job.n_frames, job.outputs) == ("waiting", 0, [])
        await until(lambda: bool(analysis.tasks))
        (task,) = analysis.tasks
        assert task.video.read_bytes() == MP4 + b"x" * 5000
        assert task.name == task.video.name == "My clip.mp4"
        running = clips.record(job.id, None)
        assert (running.state, running.n_frames, running.n_expected) == ("running", 1, 3)
        assert running.outputs == []
        with pytest.raises(InputNotFoundError, match="its state is 'running'"):
            clips.open_output(job.id, None, "table")
        analysis.may_end.set()
        await until(lambda: clips.record(job.id, None).state == "done")
        done = clips.record(job.id, None)
        assert (done.n_frames, done.outputs) == (3, ["table", "summary", "report"])
        assert 3590 < done.expires_s <= 3600
        found = [clips.open_output(job.id, None, kind) for kind in ("table", "summary", "report")]
        for one, kind in zip(found, ("table", "summary", "report"), strict=True):
            with one.file:
                assert one.file.read() == kind.encode()
        assert [(one.name, one.media_type) for one in found] == [
            ("My clip.jsonl", "application/x-ndjson"),
            ("My clip-summary.json", "application/json"),
            ("My clip.html", "text/html; charset=utf-8"),
        ]
        assert files(temporary) == ["report.html", "summary.json", "table.jsonl"]

    run(test)


def test_only_the_owner_of_the_process_can_read_the_files(
    analysis: Analysis, temporary: Path
) -> None:
    async def test(clips: Clips) -> None:
        await create(clips)
        modes = {
            stat.S_IMODE(path.stat().st_mode) for path in temporary.rglob("*") if path.is_dir()
        }
        assert modes == {0o700}
        assert {stat.S_IMODE(path.stat().st_mode) for path in temporary.rglob("*.mp4")} == {0o600}

    run(test)


def test_a_failed_analysis_has_an_error_and_no_outputs(analysis: Analysis, temporary: Path) -> None:
    async def test(clips: Clips) -> None:
        error = ErrorRecord(code="timeout", message="too long")
        analysis.last = ClipStatus(error=error, is_done=True)
        analysis.may_end.set()
        job_id = await create(clips)
        await until(lambda: clips.record(job_id, None).state == "failed")
        record = clips.record(job_id, None)
        assert (record.error, record.outputs, record.n_frames) == (error, [], 1)
        assert files(temporary) == []
        with pytest.raises(InputNotFoundError, match="its state is 'failed'"):
            clips.open_output(job_id, None, "table")

    run(test)


def test_an_unexpected_error_fails_the_job_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_task: ClipTask, _on_status: OnStatus) -> ClipStatus:
        raise OSError("/secret")

    monkeypatch.setattr(clips_module, "run_clip", broken)

    async def test(clips: Clips) -> None:
        for _ in range(2):
            job_id = await create(clips)
            await until(partial(is_failed, clips, job_id))
            error = clips.record(job_id, None).error
            assert error is not None
            assert error.code == "internal"
            assert "secret" not in error.message
        assert "secret" in caplog.text

    run(test)


def test_one_video_runs_and_the_others_wait_in_order(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        names = [f"{number}.mp4" for number in range(4)]
        ids = [await create(clips, name=name) for name in names]
        await until(lambda: bool(analysis.tasks))
        states = [clips.record(job_id, None).state for job_id in ids]
        assert states == ["running", "waiting", "waiting", "waiting"]
        await clips.delete(ids[1], None)
        analysis.may_end.set()
        await until(lambda: clips.n_active == 0)
        assert [task.name for task in analysis.tasks] == ["0.mp4", "2.mp4", "3.mp4"]

    run(test)


def test_another_video_is_refused_while_too_many_wait(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        ids = [await create(clips) for _ in range(2)]
        with pytest.raises(BusyError, match="2 videos wait"):
            clips.check_free()
        with pytest.raises(BusyError, match="2 videos wait"):
            await create(clips)
        await clips.delete(ids[0], None)
        clips.check_free()

    run(test, jobs=2)


def test_an_upload_counts_as_a_waiting_video(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        go = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            await go.wait()
            yield MP4

        upload = asyncio.create_task(clips.create("a.mp4", slow(), ClipOptions(), None))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            clips.check_free()
        go.set()
        await upload
        assert clips.n_active == 1

    run(test, jobs=1)


def test_fresh_results_are_never_deleted_for_new_videos(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        analysis.may_end.set()
        ids = [await create(clips) for _ in range(2)]
        await until(lambda: clips.n_active == 0)
        with pytest.raises(BusyError, match="keeps the results of 2 videos") as refused:
            await create(clips)
        assert 3590 < refused.value.retry_after_s <= 3600
        assert [clips.record(job_id, None).state for job_id in ids] == ["done", "done"]
        await clips.delete(ids[0], None)
        clips.check_free()

    run(test, kept_jobs=2)


def test_the_disk_is_bounded(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        job_id = await create(clips)
        with pytest.raises(BusyError, match="bytes that the server may store"):
            clips.check_free()
        await clips.delete(job_id, None)
        clips.check_free()

    run(test, clip_bytes=1000, disk_bytes=1000)


def test_expired_jobs_are_deleted_and_make_room(analysis: Analysis, temporary: Path) -> None:
    async def test(clips: Clips) -> None:
        analysis.may_end.set()
        job_id = await create(clips)
        await until(lambda: len(files(temporary)) == 3)
        with pytest.raises(BusyError):
            clips.check_free()
        await until(lambda: files(temporary) == [])
        clips.check_free()
        with pytest.raises(InputNotFoundError, match="no such job"):
            clips.record(job_id, None)

    run(test, kept_jobs=1, keep_s=0.4)


def test_a_job_that_waits_or_runs_for_long_does_not_expire(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        ids = [await create(clips) for _ in range(2)]
        await asyncio.sleep(0.6)
        assert [clips.record(job_id, None).state for job_id in ids] == ["running", "waiting"]
        assert clips.record(ids[1], None).expires_s == 0.3
        analysis.may_end.set()
        await until(lambda: clips.record(ids[1], None).state == "done")
        assert clips.record(ids[1], None).expires_s < 0.3

    run(test, keep_s=0.3)


def test_an_open_output_outlives_its_job_and_a_lost_one_does_not_exist(
    analysis: Analysis,
) -> None:
    async def test(clips: Clips) -> None:
        analysis.may_end.set()
        job_id = await create(clips)
        await until(lambda: clips.record(job_id, None).state == "done")
        table = clips.open_output(job_id, None, "table")
        analysis.tasks[0].output("report").unlink()
        with pytest.raises(InputNotFoundError, match="no report"):
            clips.open_output(job_id, None, "report")
        await clips.delete(job_id, None)
        with table.file as file:
            assert file.read() == b"table"

    run(test)


def test_a_deleted_job_stops_and_leaves_nothing(analysis: Analysis, temporary: Path) -> None:
    async def test(clips: Clips) -> None:
        job_id = await create(clips)
        await until(lambda: bool(analysis.tasks))
        await clips.delete(job_id, None)
        assert analysis.n_cancelled == 1
        assert not Path(analysis.tasks[0].folder).exists()
        with pytest.raises(InputNotFoundError):
            await clips.delete(job_id, None)
        await create(clips)
        await until(lambda: len(analysis.tasks) == 2)

    run(test)


def test_jobs_of_another_key_do_not_exist(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        analysis.may_end.set()
        job_id = await create(clips, owner="anna")
        await until(lambda: clips.record(job_id, "anna").state == "done")
        messages = set()
        for other in ("ben", None, ""):
            for reach in (
                lambda other=other: clips.record(job_id, other),
                lambda other=other: clips.open_output(job_id, other, "table"),
                lambda: clips.record("unknown", "anna"),
            ):
                with pytest.raises(InputNotFoundError) as unknown:
                    reach()
                messages.add(str(unknown.value))
            with pytest.raises(InputNotFoundError):
                await clips.delete(job_id, other)
        assert len(messages) == 1
        assert clips.record(job_id, "anna").state == "done"

    run(test)


def test_stopping_ends_everything_and_leaves_nothing(analysis: Analysis, temporary: Path) -> None:
    async def test() -> None:
        async with started() as clips:
            for _ in range(3):
                await create(clips)
            await until(lambda: bool(analysis.tasks))
        assert analysis.n_cancelled == 1
        assert list(temporary.iterdir()) == []
        with pytest.raises(BusyError, match="stopping"):
            await create(clips)

    asyncio.run(test())


def test_an_upload_during_the_stop_leaves_nothing(analysis: Analysis, temporary: Path) -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield MP4
            await go.wait()
            yield b"x"

        async with started() as clips:
            upload = asyncio.create_task(clips.create("a.mp4", slow(), ClipOptions(), None))
            await until(lambda: files(temporary) == ["a.mp4"])
        go.set()
        with pytest.raises(BusyError, match="stopping"):
            await upload
        assert list(temporary.iterdir()) == []

    asyncio.run(test())


@pytest.mark.parametrize(
    "error",
    [
        InputError("the client left"),
        RequestTimeoutError("too slow"),
        asyncio.CancelledError(),
    ],
)
def test_an_upload_that_fails_leaves_nothing(
    error: BaseException, analysis: Analysis, temporary: Path
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield MP4 * 1000
        raise error

    async def test(clips: Clips) -> None:
        with pytest.raises(type(error)):
            await clips.create("a.mp4", broken(), ClipOptions(), None)
        assert files(temporary) == []
        assert len(list(temporary.glob("*/*/"))) == 0
        assert clips.n_active == 0

    run(test)


def test_a_full_disk_is_a_busy_server(
    analysis: Analysis, temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def full() -> AsyncIterator[bytes]:
        yield MP4
        raise OSError(28, "No space left on device")

    async def test(clips: Clips) -> None:
        with pytest.raises(BusyError, match="cannot store videos now"):
            await clips.create("a.mp4", full(), ClipOptions(), None)
        assert files(temporary) == []

    run(test)
    assert "No space left" in caplog.text


@pytest.mark.parametrize("name", ["../a.mp4", "/a.mp4", "a\0.mp4", "..", "a/b", "con.mp4"])
def test_names_with_folders_are_refused_before_a_byte_is_read(
    name: str, analysis: Analysis, temporary: Path
) -> None:
    async def test(clips: Clips) -> None:
        unread = chunks(MP4)
        with pytest.raises(InputError, match="the name"):
            await clips.create(name, unread, ClipOptions(), None)
        assert await anext(unread) == MP4
        assert files(temporary) == []

    run(test)


def test_what_is_no_video_is_refused_after_its_first_bytes(
    analysis: Analysis, temporary: Path
) -> None:
    n_read = 0

    async def text() -> AsyncIterator[bytes]:
        nonlocal n_read
        for _ in range(100):
            n_read += 1
            yield b"#EXTM3U\nfile:///etc/passwd\n" * 100

    async def test(clips: Clips) -> None:
        with pytest.raises(UnsupportedFormatError, match=r"clip.mp4 is no video"):
            await clips.create("clip.mp4", text(), ClipOptions(), None)
        assert n_read == 2
        assert files(temporary) == []

    run(test)


TS = (b"\x47" + b"\0" * 187) * 4


@pytest.mark.parametrize(
    "head",
    [
        *(MP4, b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", b"\0\0\0\x08wide\0\0\0\0mdat", b"\x1aE\xdf\xa3"),
        *(b"RIFF\0\0\0\0AVI LIST", TS, b"\0\0\x01\xba", b"FLV\x01", b"OggS"),
    ],
)
def test_containers_of_videos_are_recognised(head: bytes) -> None:
    check_container(head, "clip.mp4")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"#EXTM3U\nhttp://10.0.0.1/", "no video"),
        (b"ffconcat version 1.0\nfile /etc/passwd", "no video"),
        (b"<?xml version='1.0'?><MPD></MPD>", "no video"),
        (b"plain text", "no video"),
        (b"ID3\x04\0\0", "no video"),
        (b"fLaC\0\0", "no video"),
        (b"RIFF\0\0\0\0WAVEfmt ", "no video"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0isom", "sound"),
        (b"\xff\xd8\xff\xe0", "a file of the kind JPEG"),
        (b"\x89PNG\r\n\x1a\n", "a file of the kind PNG"),
        (b"GIF89a", "a file of the kind GIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a file of the kind HEIC"),
        (b"%PDF-1.7", "a file of the kind PDF"),
        (b"PK\x03\x04", "no video"),
        (b"\0" * 4096, "no video"),
    ],
)
def test_everything_else_is_refused(head: bytes, found: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=f"^clip.mp4 is {found}; allowed: MP4, MOV"):
        check_container(head, "clip.mp4")


def test_a_video_without_bytes_is_refused(analysis: Analysis) -> None:
    async def test(clips: Clips) -> None:
        with pytest.raises(EmptyFileError, match="0 bytes"):
            await clips.create("clip.mp4", chunks(), ClipOptions(), None)

    run(test)
