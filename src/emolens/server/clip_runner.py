"""Runs the process that analyses a video, from start to end, within a deadline."""

import asyncio
import contextlib
import logging
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from typing import Final

from pydantic import ValidationError

from emolens.contract import ErrorRecord
from emolens.server.clip_process import ClipStatus, ClipTask
from emolens.server.keys import KEY_VARIABLE

_LOGGER: Final = logging.getLogger("emolens.server")
# `-P`: the current folder is no source of modules.
_COMMAND: Final = (sys.executable, "-P", "-m", "emolens.server.clip_process")
_LINE_BYTES: Final = 1024 * 1024
_LOGGED_BYTES: Final = 4000


async def run_clip(task: ClipTask, on_status: Callable[[ClipStatus], None]) -> ClipStatus:
    """Analyse a video in a process of its own, and return the last state.

    The process is killed at the deadline, and when the caller is cancelled. Messages name the video
    without its folder.

    Args:
        task: The video and its limits.
        on_status: Called with the progress.
    """
    async with _process(task) as (process, errors):
        try:
            async with asyncio.timeout(task.job_s):
                status = await _last_status(process, on_status)
        except TimeoutError:
            status = _failed(
                "timeout", f"{task.name} takes longer than {task.job_s:g} s to analyse"
            )
    if status is None:
        _log("the analysis of a video died", returncode=process.returncode, stderr=errors.result())
        return _failed(
            "processing",
            f"the analysis of {task.name} ended unexpectedly. The video may be damaged, or need "
            "more memory than allowed. Send a smaller one.",
        )
    if status.error is not None and status.error.code == "internal":
        _log("the analysis of a video failed", stderr=errors.result())
    return _without_folder(status, task.folder)


@contextlib.asynccontextmanager
async def _process(task: ClipTask) -> AsyncIterator[tuple[Process, "asyncio.Task[str]"]]:
    """Start the process, and kill it at the end of the block.

    Yields:
        The process, and a task whose result is the end of its standard error, after the block.
    """
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=_environment(),
        limit=_LINE_BYTES,
        # Ctrl-C in a terminal is for the server, which then ends its processes.
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101 (a pipe)
    errors = asyncio.create_task(_end_of_errors(process))
    try:
        process.stdin.write(task.model_dump_json().encode() + b"\n")
        yield process, errors
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.stdin.close()
        await process.wait()
        await errors


async def _last_status(
    process: Process, on_status: Callable[[ClipStatus], None]
) -> ClipStatus | None:
    """Return the last state, or None if the process ends without it or breaks the protocol."""
    assert process.stdout is not None  # noqa: S101 (a pipe)
    try:
        async for line in process.stdout:
            status = ClipStatus.model_validate_json(line)
            if status.is_done:
                return status
            on_status(status)
    # A line is not a state, or too long.
    except (ValidationError, ValueError):
        process.kill()
    await process.wait()
    return None


async def _end_of_errors(process: Process) -> str:
    assert process.stderr is not None  # noqa: S101 (a pipe)
    end = b""
    while block := await process.stderr.read(_LOGGED_BYTES):
        end = (end + block)[-_LOGGED_BYTES:]
    return end.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """Return the environment of the server without its secret."""
    own = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
    # Otherwise glibc reserves 64 MB for each thread, which count as used memory.
    return {"MALLOC_ARENA_MAX": "2", **own}


def _failed(code: str, message: str) -> ClipStatus:
    return ClipStatus(error=ErrorRecord(code=code, message=message), is_done=True)


def _without_folder(status: ClipStatus, folder: str) -> ClipStatus:
    """Remove the folders of a job from all messages."""
    folders = re.compile(re.escape(folder) + r"(?:[/\\]+(?:video|outputs)(?![^/\\]))?[/\\]*")

    def clean(message: str) -> str:
        return folders.sub("", message)

    error = status.error
    return status.model_copy(
        update={
            "warnings": [clean(one) for one in status.warnings],
            "failures": [clean(one) for one in status.failures],
            "error": error and ErrorRecord(code=error.code, message=clean(error.message)),
        }
    )


def _log(message: str, **fields: object) -> None:
    _LOGGER.error(message, extra={"fields": fields})
